// Asks the browser for a passkey, puts the answer in the form and sends it.
const form = document.querySelector('form[data-passkey]')
if (form) {
  const ask = form.dataset.passkey === 'register' ? handleRegister : handleSignin
  ask(form.dataset.options).then((result) => {
    if (result.error_msg) {
      document.getElementById('wan-errors').textContent = result.error_msg
    } else {
      document.getElementById('credential').value = result.credential
      form.submit()
    }
  })
}

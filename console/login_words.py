"""What Flask-Security tells who logs in, in the Dutch of this console."""

from __future__ import annotations

from collections.abc import Mapping

FAULTS: Mapping[str, str] = {
    # Name of its message -> what is said. Its own Dutch catalogue is mostly empty.
    "GENERIC_AUTHN_FAILED": "Dit klopt niet. Kijk uw e-mailadres en wachtwoord of code na.",
    "REAUTHENTICATION_REQUIRED": "Laat eerst zien dat u het nog bent.",
    "RETYPE_PASSWORD_MISMATCH": "De twee wachtwoorden zijn niet hetzelfde.",
    "INVALID_RECOVERY_CODE": "Deze herstelcode klopt niet, of is al gebruikt.",
    "PASSWORD_RESET_EXPIRED": "Deze link is te oud. Vraag uw beheerder om een nieuwe.",
    "INVALID_RESET_PASSWORD_TOKEN": (
        "Deze link werkt niet meer. Vraag uw beheerder om een nieuwe."
    ),
    "DISABLED_ACCOUNT": "Dit account is gesloten. Vraag uw beheerder.",
    "EMAIL_NOT_PROVIDED": "Vul uw e-mailadres in.",
    "INVALID_EMAIL_ADDRESS": "Dit is geen e-mailadres.",
    "INVALID_CODE": "Deze code klopt niet. Wacht op de volgende en probeer het nog eens.",
    "TWO_FACTOR_INVALID_TOKEN": (
        "Deze code klopt niet. Wacht op de volgende en probeer het nog eens."
    ),
    "PASSWORD_NOT_PROVIDED": "Vul een wachtwoord in.",
    "PASSWORD_INVALID_LENGTH": "Kies een wachtwoord van minstens %(length)s tekens.",
    "INVALID_PASSWORD": "Dit wachtwoord klopt niet.",
    "PASSWORD_IS_THE_SAME": "Kies een ander wachtwoord dan u had.",
    "ANONYMOUS_USER_REQUIRED": "U bent al ingelogd.",
    "TWO_FACTOR_PERMISSION_DENIED": "Log eerst in.",
    "TWO_FACTOR_METHOD_NOT_AVAILABLE": "Kies eerst hoe u de code wilt krijgen.",
    "TWO_FACTOR_SETUP_EXPIRED": "Dit duurde te lang. Begin opnieuw.",
    "WEBAUTHN_EXPIRED": "Dit duurde te lang. Begin opnieuw.",
    "WEBAUTHN_NAME_REQUIRED": "Geef de sleutel een naam.",
    "WEBAUTHN_NAME_INUSE": "U heeft al een sleutel die %(name)s heet.",
    "WEBAUTHN_NAME_NOT_FOUND": "U heeft geen sleutel die %(name)s heet.",
    "WEBAUTHN_NAME_DISALLOWED_CHARACTERS": "Gebruik in de naam alleen letters en cijfers.",
    "WEBAUTHN_CREDENTIAL_ID_INUSE": "Deze toegangssleutel is er al.",
    "WEBAUTHN_UNKNOWN_CREDENTIAL_ID": "Deze toegangssleutel kennen wij niet.",
    "WEBAUTHN_NO_VERIFY": "De toegangssleutel is niet goedgekeurd. Probeer het nog eens.",
    "WEBAUTHN_CREDENTIAL_WRONG_USAGE": "Deze toegangssleutel is hier niet voor gemaakt.",
}

NEWS: Mapping[str, str] = {
    "NO_RECOVERY_CODES_SETUP": "Er zijn nog geen codes. Maak ze hieronder.",
    "PASSWORD_RESET_NO_LOGIN": "Uw wachtwoord is bewaard. Log ermee in.",
    "PASSWORD_CHANGE": "Uw wachtwoord is gewijzigd.",
    "LOGIN": "Log eerst in.",
    "REFRESH": "Laat eerst zien dat u het nog bent.",
    "REAUTHENTICATION_SUCCESSFUL": "Dank u. U kunt verder.",
    "TWO_FACTOR_LOGIN_SUCCESSFUL": "De code klopt.",
    "TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL": "De tweede stap is ingesteld.",
    "TWO_FACTOR_DISABLED": "De tweede stap staat uit.",
    "WEBAUTHN_CREDENTIAL_DELETED": "De sleutel %(name)s is weg.",
    "WEBAUTHN_REGISTER_SUCCESSFUL": "De sleutel %(name)s is bewaard.",
}


def settings() -> dict[str, tuple[str, str]]:
    """Return both as Flask-Security takes them."""
    said = {name: (told, "error") for name, told in FAULTS.items()}
    said |= {name: (told, "info") for name, told in NEWS.items()}
    return {f"SECURITY_MSG_{name}": told for name, told in said.items()}

// Builds console/static from the packages of package.json: the page styles of NL Design System,
// as small as the console uses them, and the icons and htmx as they are. Run by `make assets`.
import fs from 'node:fs'
import path from 'node:path'
import { PurgeCSS } from 'purgecss'
import { browserslistToTargets, transform } from 'lightningcss'

const here = path.dirname(new URL(import.meta.url).pathname)
const house = path.resolve(here, '../..')
const out = path.join(house, 'console/static')
const of = (name) => path.join(here, 'node_modules', name)
const read = (file) => fs.readFileSync(file, 'utf8')

const sheets = [
  '@utrecht/component-library-css/dist/index.css',
  '@nl-design-system-candidate/button-css/dist/button.css',
  '@nl-design-system-candidate/data-badge-css/dist/data-badge.css',
  '@nl-design-system-candidate/link-css/dist/link.css',
  '@nl-design-system-candidate/skip-link-css/dist/skip-link.css',
  '@nl-design-system-unstable/voorbeeld-design-tokens/dist/theme.css',
]

const templates = fs
  .readdirSync(path.join(house, 'console/templates'), { recursive: true })
  .filter((name) => name.endsWith('.html'))
  .map((name) => ({ raw: read(path.join(house, 'console/templates', name)), extension: 'html' }))
const own = { raw: read(path.join(out, 'css/console.css')), extension: 'html' }

const [{ css }] = await new PurgeCSS().purge({
  css: [{ raw: sheets.map((name) => read(of(name))).join('\n') }],
  content: [...templates, own],
  variables: true,
  keyframes: true,
  // Named by a variable of a template, so not found in it.
  safelist: { standard: [/^utrecht-(status-badge|alert)--/, /^nl-button--/, /aria-/, 'dir', 'rtl'] },
  extractors: [{ extractor: (text) => text.match(/[A-Za-z0-9_-]+/g) ?? [], extensions: ['html'] }],
})
const banner =
  '/* NL Design System (Utrecht, candidate components, Voorbeeld tokens). EUPL-1.2; see base.LICENSE.txt. Built by scripts/assets. */\n'
const small = transform({
  filename: 'base.css',
  code: Buffer.from(css),
  minify: true,
  errorRecovery: true,
  targets: browserslistToTargets(['chrome 100', 'safari 15', 'firefox 100']),
}).code
fs.writeFileSync(path.join(out, 'css/base.css'), banner + small)

// One sprite of every icon that a template or a page names: icon('name').
const named = new Set(read(path.join(here, 'icons.txt')).split(/\s+/).filter(Boolean))
const symbols = [...named].sort().map((name) => {
  const svg = read(of(`lucide-static/icons/${name}.svg`))
  const inner = svg.replace(/[\s\S]*?<svg[^>]*>/, '').replace(/<\/svg>[\s\S]*/, '')
  return `<symbol id="${name}" viewBox="0 0 24 24">${inner.replace(/\s+/g, ' ').trim()}</symbol>`
})
fs.writeFileSync(
  path.join(out, 'img/icons.svg'),
  `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join('\n')}</svg>\n`,
)
fs.copyFileSync(of('lucide-static/LICENSE'), path.join(out, 'img/icons.LICENSE.txt'))
fs.copyFileSync(of('htmx.org/dist/htmx.min.js'), path.join(out, 'js/htmx.min.js'))
console.log(`base.css ${small.length} bytes, ${symbols.length} icons`)

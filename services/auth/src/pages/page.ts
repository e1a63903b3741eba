import { hash } from 'node:crypto'
import { html, trusted, type Html } from './html.ts'
import { STYLE } from './style.ts'

export interface Page {
  readonly html: string
  /** Where its forms lead in the end, besides here: browsers check the redirects after a form too. */
  readonly formTargets: readonly string[]
}

/** A page for people: no script, nothing from elsewhere. */
export function page(title: string, main: Html, formTargets: readonly string[] = []): Page {
  const { text } = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · Parley</title>
        ${STYLE_ELEMENT}
      </head>
      <body>
        <main>${LOGO}${main}</main>
      </body>
    </html>`
  return { html: text, formTargets }
}

/** For every answer that is not one of these pages. The library adds the hash of the script that submits its own forms. */
export const BASE_POLICY = [
  "default-src 'none'",
  "script-src 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  `style-src 'sha256-${hash('sha256', STYLE, 'base64')}'`,
].join('; ')

export const contentSecurityPolicy = ({ formTargets }: Page): string =>
  [`${BASE_POLICY}; form-action 'self'`, ...formTargets.map(sourceOf)].join(' ')

/** A URL as a source of a policy: its origin, or where there is none (`myapp:`), or no notation for it (IPv6), its scheme. */
function sourceOf(target: string): string {
  const { protocol, origin, hostname } = new URL(target)
  return origin === 'null' || hostname.startsWith('[') ? protocol : origin
}

/** With exactly the text whose hash the policy allows. */
const STYLE_ELEMENT = trusted(`<style>${STYLE}</style>`)

const LOGO = html`<svg class="logo" viewBox="0 0 24 24" role="img" aria-label="Parley">
  <path d="M4 4h16a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-8l-5 4v-4H4a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2z" />
</svg>`

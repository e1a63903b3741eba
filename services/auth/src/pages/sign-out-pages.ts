import { html, trusted } from './html.ts'
import { page, type Page } from './page.ts'

export const signOutPage = (options: { form: string; clientName: string; target?: string }): Page =>
  page(
    'Sign out',
    html`<h1>Sign out?</h1>
      <p>${options.clientName} asks to sign you out of Parley in this browser.</p>
      ${trusted(options.form)}
      <button type="submit" form="op.logoutForm" name="logout" value="yes" autofocus>Sign out</button>
      <button type="submit" form="op.logoutForm" class="second">Stay signed in</button>`,
    options.target === undefined ? [] : [options.target],
  )

export const signedOutPage = (): Page =>
  page(
    'Signed out',
    html`<h1>You are signed out</h1>
      <p>You can close this page.</p>`,
  )

import { html } from './html.ts'
import { page, type Page } from './page.ts'

export const errorPage = ({ code, sentence }: { code: string; sentence?: string }): Page =>
  page(
    'Error',
    html`<h1>This did not work</h1>
      <p>Go back to the app and try again. If it happens again, tell whoever runs it what stands here:</p>
      ${sentence === undefined ? undefined : html`<p><strong>${sentence}</strong></p>`}
      <code>${code}</code>`,
  )

export const expiredSignInPage = (): Page =>
  page(
    'Sign-in expired',
    html`<h1>This sign-in has expired</h1>
      <p>Go back to the app and sign in again.</p>`,
  )

import { html } from './html.ts'
import { page, type Page } from './page.ts'

/** Choose a name: the sign-in of development, without any proof. */
export function signInPage(options: {
  action: string
  clientName: string
  /** Where the client waits for the answer. */
  redirectUri: string
  name: string
  /** What is wrong with the name, as the rest of a sentence. */
  wrong?: string
}): Page {
  const { action, clientName, redirectUri, name, wrong } = options
  const field = html`<input id="name" name="name" value="${name}" autocomplete="username" autocapitalize="off" spellcheck="false"`
  return page(
    'Sign in',
    html`<h1>Sign in to ${clientName}</h1>
      <p>This is a development system: choose any name, there is no password.</p>
      <form method="post" action="${action}">
        <label for="name">Name</label>
        ${
          wrong === undefined
            ? html`${field} autofocus required />`
            : html`${field} aria-invalid="true" aria-describedby="wrong" autofocus required />
                <div class="wrong" id="wrong" role="alert">The name ${wrong}.</div>`
        }
        <button>Sign in</button>
      </form>`,
    [redirectUri],
  )
}

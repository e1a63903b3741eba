import { html, joined, type Html } from './html.ts'
import { page, type Page } from './page.ts'

export interface SignInPage {
  readonly clientName: string
  readonly upstreams: readonly { readonly name: string; readonly href: string }[]
  /** Choose a name: the sign-in of development, without any proof. */
  readonly development: {
    readonly action: string
    /** Where the client waits for the answer: the form leads there in the end. */
    readonly redirectUri: string
    readonly name: string
    /** What is wrong with the name, as the rest of a sentence. */
    readonly wrong?: string
  } | null
  /** Why the last attempt did not work. */
  readonly problem?: { readonly sentence: string; readonly code: string }
}

/** Upstreams are links and not forms: browsers hold all redirects after a form against the policy, also those at the upstream. */
export function signInPage({ clientName, upstreams, development, problem }: SignInPage): Page {
  return page(
    'Sign in',
    html`<h1>Sign in to ${clientName}</h1>
      ${problem && html`<p class="wrong" role="alert">${problem.sentence} <code>${problem.code}</code></p>`}
      ${joined(upstreams.map(({ name, href }) => html`<a class="button" href="${href}">Continue with ${name}</a>`))}
      ${development === null ? undefined : nameForm(development)}`,
    development === null ? [] : [development.redirectUri],
  )
}

function nameForm({ action, name, wrong }: NonNullable<SignInPage['development']>): Html {
  const field = html`<input id="name" name="name" value="${name}" autocomplete="username" autocapitalize="off" spellcheck="false"`
  return html`<p>This is a development system: choose any name, there is no password.</p>
    <form method="post" action="${action}">
      <label for="name">Name</label>
      ${
        wrong === undefined
          ? html`${field} autofocus required />`
          : html`${field} aria-invalid="true" aria-describedby="wrong" autofocus required />
              <div class="wrong" id="wrong" role="alert">The name ${wrong}.</div>`
      }
      <button>Sign in</button>
    </form>`
}

export const noSignInPage = (clientName: string): Page =>
  page(
    'Sign in',
    html`<h1>Sign in to ${clientName}</h1>
      <p>Signing in is not set up on this server yet. Whoever runs it has to connect it to an identity provider.</p>
      <code>sign_in_not_set_up</code>`,
  )

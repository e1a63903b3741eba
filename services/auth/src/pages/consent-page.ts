import { html, joined } from './html.ts'
import { page, type Page } from './page.ts'

export interface ConsentPage {
  readonly action: string
  readonly clientName: string
  /** Where the client waits for the answer: what it calls itself proves nothing, this does. */
  readonly redirectUri: string
  readonly userName: string
  readonly scopes: readonly string[]
}

/** May another's app act for this user? */
export const consentPage = ({ action, clientName, redirectUri, userName, scopes }: ConsentPage): Page =>
  page(
    'Allow access',
    html`<h1>Allow ${clientName} to use Parley as you?</h1>
      <p>It is not part of Parley. It waits at <strong>${placeOf(redirectUri)}</strong>, and wants to:</p>
      <ul>
        ${joined(wishes(scopes).map((wish) => html`<li>${wish}</li>`))}
      </ul>
      <p>You are signed in as <strong>${userName}</strong>. You can take this back in your list of devices.</p>
      <form method="post" action="${action}">
        <button name="answer" value="allow">Allow</button>
        <button name="answer" value="deny" class="second">Deny</button>
      </form>`,
    [redirectUri],
  )

/** In words that say what a token can really be used for. */
function wishes(scopes: readonly string[]): string[] {
  return [
    'read, write and delete messages as you',
    'know who you are on Parley',
    ...(scopes.includes('profile') ? ['see your name and picture'] : []),
    ...(scopes.includes('offline_access') ? ['stay signed in when you sign out of this browser'] : []),
  ]
}

/** The host, or of an app on the own device its scheme. */
function placeOf(redirectUri: string): string {
  const { host, protocol } = new URL(redirectUri)
  return host === '' ? `${protocol} on this device` : host
}

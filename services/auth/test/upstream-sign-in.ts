import type { Send } from './auth-system.ts'
import { createBrowser, type Visit } from './browser.ts'
import { authorizationOf, discoverClient, exchangeCode } from './oauth-client.ts'
import type { Person, UpstreamProvider } from './upstream-provider.ts'

/** Up to the address at the upstream that the browser is sent to. */
export async function beginWith(send: Send, upstream: UpstreamProvider, parameters: Record<string, string> = {}) {
  const browser = createBrowser(send)
  const config = await discoverClient(send)
  const authorization = await authorizationOf(config, parameters)
  const page = await browser.open(authorization.url)
  const sent = await browser.open(linkOf(page, upstream))
  return { browser, config, authorization, page, sent }
}

/** Where the page's button for this upstream leads. */
export function linkOf(page: Visit, { entry }: UpstreamProvider): URL {
  const href = [...page.html.matchAll(/<a class="button" href="([^"]*)">Continue with ([^<]*)</g)].find(
    ([, , name]) => name === entry.name,
  )?.[1]
  if (href === undefined) throw new Error(`there is no link to ${entry.name} on this page: ${page.html}`)
  return new URL(href, page.url)
}

export async function signInAsPerson(send: Send, upstream: UpstreamProvider, person: Person) {
  upstream.person = person
  const begun = await beginWith(send, upstream)
  const back = await upstream.visit(begun.sent.url)
  const callback = await begun.browser.open(back)
  const tokens = await exchangeCode(begun.config, callback.url, begun.authorization)
  return { ...begun, back, callback, userId: tokens.claims()?.sub ?? '', claims: tokens.claims() }
}

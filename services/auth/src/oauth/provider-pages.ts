import { errors, type ErrorOut, type KoaContextWithOIDC } from 'oidc-provider'
import { errorPage, expiredSignInPage } from '../pages/error-page.ts'
import { contentSecurityPolicy, type Page } from '../pages/page.ts'
import { signedOutPage, signOutPage } from '../pages/sign-out-pages.ts'

/** The pages that the library asks for by itself, in place of its own. */

export function renderError(
  ctx: KoaContextWithOIDC,
  { error, error_description: sentence }: ErrorOut,
  cause: Error,
): void {
  const expired = cause instanceof errors.SessionNotFound
  show(ctx, expired ? expiredSignInPage() : errorPage({ code: error, ...(sentence === undefined ? {} : { sentence }) }))
}

/** `form` is the library's, with what proves that the answer comes from this page; buttons refer to it by its id. */
export function renderSignOut(ctx: KoaContextWithOIDC, form: string): void {
  const target = ctx.oidc.params?.['post_logout_redirect_uri']
  show(ctx, signOutPage({ form, clientName: clientNameOf(ctx), ...(typeof target === 'string' ? { target } : {}) }))
}

export function renderSignedOut(ctx: KoaContextWithOIDC): void {
  show(ctx, signedOutPage())
}

const clientNameOf = ({ oidc }: KoaContextWithOIDC): string =>
  oidc.client?.clientName ?? oidc.client?.clientId ?? 'Parley'

function show(ctx: KoaContextWithOIDC, page: Page): void {
  ctx.type = 'html'
  ctx.set('Content-Security-Policy', contentSecurityPolicy(page))
  ctx.body = page.html
}

import type { RequestHandler, Response } from 'express'
import type Provider from 'oidc-provider'

type Handle = ReturnType<Provider['callback']>

/** The provider is an application of its own kind (Koa). What it does not know, or fails at unexpectedly, goes on to the next here. */
export function providerHandler(provider: () => Provider): RequestHandler {
  let handled = provider()
  let handle = handlerOf(handled)
  return async (request, response, next) => {
    // There is another one after each change of the signing keys. Requests under way end with the one they began with.
    if (handled !== provider()) {
      handled = provider()
      handle = handlerOf(handled)
    }
    response.locals['passOn'] = next
    await handle(request, response)
  }
}

function handlerOf(provider: Provider): Handle {
  provider.use(async (ctx, next) => {
    const { locals } = ctx.res as unknown as Response
    const passOn = locals['passOn'] as (error?: unknown) => void
    try {
      await next()
    } catch (error) {
      ctx.respond = false
      passOn(error)
      return
    }
    if (ctx.status === 404 && ctx.body === undefined) {
      ctx.respond = false
      passOn()
    }
  })
  return provider.callback()
}

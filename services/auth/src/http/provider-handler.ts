import type { RequestHandler, Response } from 'express'
import type Provider from 'oidc-provider'

/** The provider is an application of its own kind (Koa). What it does not know, or fails at unexpectedly, goes on to the next here. */
export function providerHandler(provider: Provider): RequestHandler {
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
  const handle = provider.callback()
  return async (request, response, next) => {
    response.locals['passOn'] = next
    await handle(request, response)
  }
}

import { HubConnectionState, type HubConnection } from '@microsoft/signalr'
import { operations, type HubEvent, type OutputOf } from '@parley/protocol'
import { currentToken, type AccessToken } from './access-token.ts'

/** A token that could not be had, or is no newer than the one that expires, is asked for again after so long. */
const RETRY_MS = 5_000

/**
 * Gives the server a newer access token when it says that the one of this connection expires: so the connection goes on. Where
 * there is no newer one in time the server ends it, and the client comes back with whatever token there is then.
 */
export function keepRenewed(connection: HubConnection, accessToken: AccessToken): void {
  if (typeof accessToken === 'string') return
  let retry: ReturnType<typeof setTimeout> | undefined

  async function renew(endsAtMs: number): Promise<void> {
    const { connectionId } = connection
    const isOver = () =>
      connection.state !== HubConnectionState.Connected ||
      connection.connectionId !== connectionId ||
      Date.now() > endsAtMs
    const renewed = await renewOnce(connection, accessToken).catch(() => undefined)
    const isRenewed = renewed !== undefined && Date.parse(renewed.expiresAt) > endsAtMs
    if (!isRenewed && !isOver()) retry = setTimeout(() => void renew(endsAtMs), RETRY_MS)
  }

  connection.on('SessionEnding', ({ reason, at }: HubEvent<'SessionEnding'>) => {
    clearTimeout(retry)
    if (reason === 'token_expiring') void renew(Date.parse(at))
  })
  connection.onclose(() => clearTimeout(retry))
}

async function renewOnce(
  connection: HubConnection,
  accessToken: AccessToken,
): Promise<OutputOf<typeof operations.RenewToken>> {
  return await connection.invoke(operations.RenewToken.hub, { accessToken: await currentToken(accessToken) })
}

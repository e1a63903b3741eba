/** As clients and servers of this family call them. */
export type TransportName = 'WebSockets' | 'ServerSentEvents' | 'LongPolling'

export type TransferFormat = 'Text' | 'Binary'

/** In the order in which clients are to try them. */
export const allTransports: readonly TransportName[] = ['WebSockets', 'ServerSentEvents', 'LongPolling']

export const transferFormats: Readonly<Record<TransportName, readonly TransferFormat[]>> = {
  WebSockets: ['Text', 'Binary'],
  ServerSentEvents: ['Text'],
  LongPolling: ['Text', 'Binary'],
}

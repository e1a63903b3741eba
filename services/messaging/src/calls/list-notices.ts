import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import type { NumberedNotices } from '../delivery/numbered-notices.ts'

export function listNotices({
  notices,
}: {
  notices: NumberedNotices
}): Handler<(typeof messaging)['calls']['listNotices']> {
  return async ({ gatewayId, numbers }) => notices.recall(gatewayId, numbers)
}

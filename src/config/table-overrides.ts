/** The directives of relaying that a listener may have for its own clients. They override those of their pool. */
import { type Settings, withoutDefaults } from './row.js'
import { balanceRows } from './table-balance.js'
import { outageRows } from './table-outages.js'
import { relayingRows } from './table-relaying.js'

const {
  attemptsMax,
  backOffFirst,
  backOffJitterPercent,
  backOffMaxMs,
  connectTimeoutMs,
  dialRetries,
  dialTimeoutMs,
  halfCloseTimeoutMs,
  hedge,
  idleTimeoutMs,
  localAddress,
  localPortRange,
  rebalance,
  retryBudgetPercent,
  splice,
} = relayingRows

export const overrideRows = withoutDefaults({
  localAddress,
  localPortRange,
  connectTimeoutMs,
  dialTimeoutMs,
  dialRetries,
  attemptsMax,
  idleTimeoutMs,
  halfCloseTimeoutMs,
  splice,
})

export const NOT_OVERRIDDEN_REASON = 'a listener cannot override it: all clients of a pool share its state'

/** Policies and their state. `tcp keepalive` is missing in both: a listener has it for the sockets of its clients. */
export const NOT_OVERRIDDEN = {
  ...balanceRows,
  ...outageRows,
  rebalance,
  backOffFirst,
  backOffMaxMs,
  backOffJitterPercent,
  retryBudgetPercent,
  hedge,
}

export type OverrideSettings = Omit<Settings<typeof overrideRows>, 'position'>

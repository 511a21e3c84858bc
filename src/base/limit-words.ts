/** Words of limits that the configuration, the plan and logs have in common. */

/** What happens to a client that a limit rejects. */
export const LIMIT_ACTIONS = ['close', 'reset', 'drop', 'tarpit', 'queue'] as const
export type LimitAction = (typeof LIMIT_ACTIONS)[number]

/** Why a limit rejects a client: `end=` in the access log. */
export type LimitEnd =
  /** Its key has as many sessions as it may have. */
  | 'limit-connections'
  | 'limit-rate'
  /** It has waited in vain (`action = queue`). */
  | 'limit-timeout'
  | 'banned'

/** Kinds of rejections that a ban may count. */
export const BAN_CAUSES = ['rate', 'connections', 'rules', 'handshake', 'authorization'] as const
export type BanCause = (typeof BAN_CAUSES)[number]

/** What clients of the administration may do; each level includes those before it. */
export const ADMIN_LEVELS = ['read', 'operate', 'admin'] as const
export type AdminLevel = (typeof ADMIN_LEVELS)[number]

/** Whether a client of level `given` may do what requires `needed`. */
export function permits(given: AdminLevel, needed: AdminLevel): boolean {
  return ADMIN_LEVELS.indexOf(given) >= ADMIN_LEVELS.indexOf(needed)
}

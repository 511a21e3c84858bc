/** Loads the administration when a head asks for it: few processes do, and it takes time and memory. */
import type { OpenAdmin } from '../control/head.js'

export const loadAdmin: OpenAdmin = async (head) => {
  // In the bundle this is a file of its own (scripts/bundle.mjs).
  const { openAdmin } = await import('../admin/open-admin.js')
  return openAdmin(head)
}

/** Entry point of the administration: loaded where the configuration has an `admin` block. */
import type { OpenAdmin } from '../control/head.js'
import { AdminServers } from './administration.js'

export const openAdmin: OpenAdmin = async (head) => new AdminServers(head)

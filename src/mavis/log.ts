/** Module `log`: writes answers to the log. */
import { type ByteString, readableText } from '../base/byte-string.js'
import { AV } from '../base/mavis-attributes.js'
import { INFO } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import { FINAL, type Module, type ModuleServices, NFD, type Query } from './module.js'

/** Longer values are cut: an answer may have 64 KiB, and a syslog line holds about 1 KiB. */
const VALUE_BYTES_MAX = 256

/** One line per answer: `TACPLUS ACK: joe [192.0.2.1] (comment)`. */
export class Log implements Module {
  readonly #say: Say

  constructor(_settings: { readonly module: 'log' }, { say }: ModuleServices) {
    this.#say = say
  }

  review({ values }: Query): typeof FINAL {
    const [type, user, client] = [values[AV.TYPE], values[AV.USER], values[AV.IPADDR]]
    if ((type === 'TACPLUS' || type === 'FTP') && user !== undefined && client !== undefined) {
      const comment = values[AV.COMMENT]
      const end = comment === undefined ? '' : ` (${shown(comment)})`
      this.#say(INFO, `${type} ${shown(values[AV.RESULT] ?? NFD)}: ${shown(user)} [${shown(client)}]${end}`)
    }
    return FINAL
  }
}

const shown = (value: ByteString) => readableText(value.slice(0, VALUE_BYTES_MAX))

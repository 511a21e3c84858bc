/** Why DNS gave no answer. Neither of its causes says anything about the members. */
import { SourceFailure } from '../source-failure.js'

export class DnsFailure extends SourceFailure {}

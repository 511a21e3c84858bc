/** One query to one server, over a transport. */
import { formatDuration } from '../../base/duration.js'
import { DnsFailure } from './dns-failure.js'
import type { DnsResponse } from './message.js'

export interface ExchangeLimits {
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** The first call counts. */
export interface Settle {
  succeed(response: DnsResponse): void
  fail(text: string): void
  /** With what an event handler has thrown: nothing above it would catch that. */
  reject(error: unknown): void
}

/** A started exchange. */
export interface Transport {
  /** What has come in place of a response; '' for nothing. */
  readonly ignored: string
  close(): void
}

/** Rejects with a `DnsFailure`, or with the reason of the signal. The transport is closed when it settles. */
export async function exchange(
  { signal, timeoutMs }: ExchangeLimits,
  start: (settle: Settle) => Transport,
): Promise<DnsResponse> {
  signal.throwIfAborted()
  let end = () => {}
  const settled = new Promise<DnsResponse>((resolve, reject) => {
    const transport = start({ succeed: resolve, fail: (text) => reject(new DnsFailure(text)), reject })
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort)
    const timer = setTimeout(() => reject(new DnsFailure(lateText(timeoutMs, transport))), timeoutMs)
    end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      transport.close()
    }
  })
  return settled.finally(() => end())
}

function lateText(timeoutMs: number, { ignored }: Transport): string {
  const text = `no answer within ${formatDuration(timeoutMs)}`
  return ignored === '' ? text : `${text}, only ${ignored}`
}

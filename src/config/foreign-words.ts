/**
 * Directives of other relays and other words that users expect, each with advice on what to write instead. A word that
 * is a directive of this program in the current block is never looked up here.
 */
export interface ForeignWord {
  /** Like the spellings of a row: words separated by spaces, alternatives for a word by `|`. Lower case. */
  readonly words: string
  /** Our directives to use instead, by the names of their blocks. */
  readonly write?: Readonly<Record<string, readonly string[]>>
  /** Further advice; without `write` the whole advice. */
  readonly text?: string
  /** Restricts the entry to directives whose next word matches. */
  readonly value?: RegExp
}

// Directives and texts that several entries name.
const BACK_OFF = ['back-off first', 'back-off max']
const TIMEOUTS = ['idle timeout', 'connect timeout', 'dial timeout', 'half-close timeout']
const LISTENER = "a listener is 'listen { address = ADDRESS port = PORT }' in the spawnd section"
const REMOTE = "a server is 'remote { address = HOST port = PORT }' in the tcprelay section"
const POOL = "remotes that serve together are 'pool = NAME { remote { … } }' in the tcprelay section"
const HEALTH = "a health check is 'health = { type = TYPE }' in the tcprelay section, a pool or a remote"
const RESOLVERS =
  "host names of remotes are resolved by the system; 'discover = { type = dns servers = ADDRESS … }' asks others"
const ROUTE_FORM = "'route { server name = NAME pool = NAME }' in the tcprelay section"
const SEND_PROXY = ['send proxy']
const NO_HTTP = 'this program relays bytes and does not parse HTTP'
const IN_LIMITS = 'in the tcprelay section, in a listener or in a pool'
const IN_POOLS = 'in the tcprelay section or in a pool'
const NO_SUCH_OPTION = 'this version does not have this option'

/** Distinguishes an address or a port from a word. */
const ADDRESS_LIKE = /^[\d:*]|:\d/

export const FOREIGN_WORDS: readonly ForeignWord[] = [
  { words: 'spawnd|master', text: "write 'id = spawnd { … }'" },
  { words: 'tcprelay|relay', text: "write 'id = tcprelay { … }'" },

  // Listeners and remotes.
  { words: 'bind|frontend|listener', text: LISTENER },
  { words: 'accept', text: LISTENER, value: ADDRESS_LIKE },
  { words: 'server|default-server|proxy_pass|forward|target|destination|connect', text: REMOTE },
  {
    words: 'server-template',
    text: "write 'discover = { type = dns name = NAME port = PORT }' in the tcprelay section or in a pool",
  },
  { words: 'backend|upstream|pool|cluster|farm', text: POOL },
  {
    words: 'default_backend|use_backend',
    text: `a listener selects its pool by 'pool = NAME', a route by conditions: ${ROUTE_FORM}`,
  },
  { words: 'use-server|map|split_clients', text: `a route selects the pool: ${ROUTE_FORM}` },
  { words: 'acl allow', write: { spawnd: ['acl permit'] } },
  { words: 'allow|whitelist', write: { spawnd: ['permit'], route: ['dynamic names'] } },
  { words: 'blacklist', write: { spawnd: ['deny'] } },
  {
    words: 'acl',
    text: "access rules have no names: 'permit = NETWORK' or 'deny = NETWORK' in the spawnd section",
  },
  {
    words: 'tcp-request|http-request',
    write: { spawnd: ['permit', 'deny'] },
    text: 'other rules are not supported',
  },
  { words: 'source|proxy_bind', write: { tcprelay: ['local address'] } },
  { words: 'usesrc|transparent', write: { tcprelay: ['local address'] }, text: "use the value 'client'" },
  { words: 'interface', write: { listen: ['bind to device'] } },
  { words: 'reuseport', write: { spawn: ['accept'] }, text: "use the value 'direct'" },

  // Times.
  { words: 'timeout|timeouts', write: { tcprelay: TIMEOUTS } },
  { words: 'clitimeout|srvtimeout|proxy_timeout|timeoutidle', write: { tcprelay: ['idle timeout'] } },
  {
    words: 'contimeout|proxy_connect_timeout|timeoutconnect',
    write: { tcprelay: ['connect timeout', 'dial timeout'] },
  },
  { words: 'timeoutclose', write: { tcprelay: ['half-close timeout'] } },
  { words: 'timeoutbusy', write: { tcprelay: TIMEOUTS } },
  { words: 'grace|hard-stop-after|worker_shutdown_timeout', write: { tcprelay: ['grace period'] } },
  {
    words: 'retries|redispatch|proxy_next_upstream',
    write: { tcprelay: ['dial retries', 'attempts max'] },
  },
  { words: 'proxy_next_upstream_tries|max_connect_attempts', write: { tcprelay: ['attempts max'] } },
  { words: 'proxy_next_upstream_timeout', write: { tcprelay: ['dial timeout'] } },
  {
    words: 'max_retries|budget_percent|min_retry_concurrency|percent_can_retry',
    write: { tcprelay: ['retry budget'] },
  },
  {
    words: 'fail_timeout|max_fails|base_interval|max_interval',
    write: { tcprelay: BACK_OFF, pool: BACK_OFF },
    text: "the first failed attempt counts, or as many as 'health = { fail after = N in TIME }' says",
  },

  // Policies and health checks.
  { words: 'policy|algorithm|scheduler|lb', write: { tcprelay: ['balance'], pool: ['balance'] } },
  { words: 'hash|hash-type|ip_hash', write: { tcprelay: ['balance', 'key'], pool: ['balance', 'key'] } },
  {
    words: 'slowstart|slow_start|slow-start',
    write: { tcprelay: ['slow start'], pool: ['slow start'], remote: ['slow start'] },
  },
  { words: 'least_conn|random|least_time', write: { tcprelay: ['balance'], pool: ['balance'] } },
  {
    words:
      'check|checks|rise|fall|observe|healthcheck|health-check|health_check|tcp-check|http-check|httpchk|agent-check',
    write: { tcprelay: ['health'], pool: ['health'], remote: ['health'], health: ['type'] },
  },
  {
    words: 'inter',
    write: { tcprelay: ['health'], pool: ['health'], remote: ['health'], health: ['interval'] },
  },
  { words: 'external-check', write: { health: ['exec'] } },
  { words: 'check-ssl', write: { remote: ['health'], health: ['tls'] } },
  { words: 'check-sni', write: { remote: ['health'], health: ['server name'] } },
  { words: 'fastinter', write: { health: ['fast interval'] } },
  { words: 'downinter', write: { health: ['down interval'] } },
  {
    words:
      'option httpchk|tcp-check|ssl-hello-chk|smtpchk|mysql-check|pgsql-check|redis-check|ldap-check|external-check',
    text: HEALTH,
  },
  { words: 'stick|stick-table|cookie|persist|affinity', write: { tcprelay: ['sticky'], pool: ['sticky'] } },
  { words: 'resolvers|resolver|nameserver', text: RESOLVERS },

  // Limits and processes.
  {
    words: 'maxconn|max_conns|max_connections|maxconnections|limit_conn|fullconn',
    write: {
      listen: ['max connections'],
      remote: ['max connections'],
      pool: ['max connections'],
      spawn: ['users max'],
    },
    text: "'max connections' applies to all children together, 'users max' to each",
  },
  { words: 'on-marked-down', text: `write 'on down = close' ${IN_POOLS}` },
  { words: 'error-limit|on-error', text: `write 'health = { fail after = N in TIME }' ${IN_POOLS}` },
  { words: 'server-state-file|load-server-state-from-file', write: { tcprelay: ['state file'] } },
  { words: 'maxqueue', text: `write 'queue = { size = N }' ${IN_POOLS}` },
  { words: 'timeout queue', text: `write 'queue = { timeout = TIME }' ${IN_POOLS}` },
  { words: 'max users|clients', write: { spawn: ['users max'] } },
  { words: 'worker_connections', write: { spawn: ['users max'] }, text: 'it applies to each child' },
  {
    words: 'limit_req|limit_req_zone|rate-limit|ratelimit|inflightconn',
    write: { tcprelay: ['limit'], listen: ['limit'], pool: ['limit'] },
  },
  {
    words: 'limit_rate|proxy_download_rate|bwlim-out|set-bandwidth-limit',
    text: `write 'limit = { per = session bytes out = BYTES/s }' ${IN_LIMITS}`,
  },
  {
    words: 'proxy_upload_rate|bwlim-in',
    text: `write 'limit = { per = session bytes in = BYTES/s }' ${IN_LIMITS}`,
  },
  {
    words: 'nbproc|nbthread|worker_processes|workers|threads',
    write: { spawn: ['instances min', 'instances max'] },
  },
  { words: 'daemon|foreground', write: { spawnd: ['background'] } },
  { words: 'pid', write: { spawnd: ['pidfile'] } },
  { words: 'user|uid|setuid', write: { spawn: ['userid'] } },
  { words: 'group|gid|setgid', write: { spawn: ['groupid'] } },
  { words: 'chroot', text: 'this version does not support chroot' },
  {
    words: 'ulimit-n|worker_rlimit_nofile',
    text: 'set the limit of open files where the program is started (ulimit -n, LimitNOFILE)',
  },

  // Logs and statistics.
  {
    words: 'log|access_log|error_log|logfile|logcommon|log-format|log_format',
    write: { tcprelay: ['access log', 'syslog facility', 'syslog severity'] },
  },
  { words: 'option tcplog|httplog|dontlognull|logasap', write: { tcprelay: ['access log'] } },
  { words: 'stats|stub_status|monitor|metrics', write: { spawnd: ['admin'] } },

  // Sockets.
  {
    words: 'send-proxy|send-proxy-v2|send_proxy|proxy-v2-options',
    write: { tcprelay: SEND_PROXY, pool: SEND_PROXY, remote: SEND_PROXY, health: SEND_PROXY },
  },
  {
    words: 'accept-proxy|accept_proxy|proxy_protocol|proxy-protocol',
    write: { listen: ['proxy protocol'] },
    text: "with 'proxy from', the networks of the proxies",
  },
  { words: 'set_real_ip_from', write: { listen: ['proxy from'] } },
  { words: 'so_keepalive|keepalive|tcpka', write: { tcprelay: ['tcp keepalive'] } },
  { words: 'option tcpka|clitcpka|srvtcpka', write: { tcprelay: ['tcp keepalive'] } },
  { words: 'option splice-auto|splice-request|splice-response', write: { tcprelay: ['splice'] } },
  { words: 'option redispatch', write: { tcprelay: ['dial retries', 'attempts max'] } },
  { words: 'option', text: NO_SUCH_OPTION },
  { words: 'tfo|fastopen|tcp_fastopen', write: { listen: ['fast open'] } },

  // TLS.
  {
    words: 'tls|ssl ca-file|cafile|ca|capath|ca-path',
    write: { listen: ['tls client-ca-file'] },
    text: 'clients must then present a certificate of this CA',
  },
  {
    words:
      'ca-file|cafile|capath|ssl_client_certificate|ssl_trusted_certificate|proxy_ssl_trusted_certificate',
    write: { listen: ['tls client-ca-file'], remote: ['ca-file'] },
  },
  { words: 'crt|pem-file|ssl_certificate|certificate|cert', write: { listen: ['tls cert-file'] } },
  { words: 'tls|ssl crt|pem-file', write: { listen: ['tls cert-file'] } },
  { words: 'ssl_certificate_key|key', write: { listen: ['tls key-file'] } },
  {
    words: 'ssl_protocols|ssl-min-ver|sslversion|sslversionmin|tls-protos',
    write: { listen: ['tls min version'], remote: ['min version'] },
  },
  { words: 'ssl_preread', write: { listen: ['tls'] }, text: "use the value 'pass'" },
  { words: 'proxy_ssl|client', write: { remote: ['tls'] } },
  { words: 'sni|proxy_ssl_name|checkhost', write: { remote: ['server name'] } },
  { words: 'verifypeer|verifychain|proxy_ssl_verify', write: { remote: ['verify'] } },

  // HTTP, and structure of other files.
  { words: 'mode', text: NO_HTTP, value: /^http$/ },
  {
    words: 'mode',
    value: /^tcp$/,
    text: "use 'protocol' in 'listen' and 'remote': TCP or SCTP",
  },
  { words: 'http|location|server_name|root|redirect|rewrite|compression', text: NO_HTTP },
  {
    words: 'stream|events|global|defaults',
    text: "use the sections 'id = spawnd { … }' and 'id = tcprelay { … }'",
  },
]

/**
 * Directives of other relays and words that people expect here, each with what to write instead. Words that are a
 * directive of this program where they stand never get here.
 */
export interface ForeignWord {
  /** As the spellings of a row: words separated by spaces, alternatives for a word by `|`. In lower case. */
  readonly words: string
  /** Blocks by their names, and directives of ours in them. */
  readonly write?: Readonly<Record<string, readonly string[]>>
  /** What else there is to say; without `write` the whole advice. */
  readonly text?: string
  /** Applies only if the word behind it is like this. */
  readonly value?: RegExp
}

const TIMEOUTS = ['idle timeout', 'connect timeout', 'dial timeout', 'half-close timeout']
const LISTENER = "a listener is 'listen { address = ADDRESS port = PORT }' in the spawnd section"
const REMOTE = "a server is 'remote { address = HOST port = PORT }' in the tcprelay section"
const POOL = "the 'remote' blocks of the tcprelay section are the pool"
const NO_HEALTH_CHECKS =
  'this version has no health checks: a client whose remote cannot be reached goes to the next one'
const NO_POLICIES =
  'this version has no choice of policies: the remote with the fewest sessions for its weight is next'
const NO_CHOICE = 'this version has one pool of remotes and does not choose between several'
const NO_PROXY_PROTOCOL = 'this version has no PROXY protocol'
const NO_HTTP = 'this program relays bytes and does not read HTTP'
const NO_SUCH_OPTION = 'this version does not have this option'

/** An address or a port, in contrast to a word. */
const ADDRESS_LIKE = /^[\d:*]|:\d/

export const FOREIGN_WORDS: readonly ForeignWord[] = [
  { words: 'spawnd|master', text: "write 'id = spawnd { … }'" },
  { words: 'tcprelay|relay', text: "write 'id = tcprelay { … }'" },

  // Listeners and remotes.
  { words: 'bind|frontend|listener', text: LISTENER },
  { words: 'accept', text: LISTENER, value: ADDRESS_LIKE },
  { words: 'server|default-server|proxy_pass|forward|target|destination|connect', text: REMOTE },
  { words: 'backend|upstream|pool|cluster|farm', text: POOL },
  { words: 'default_backend|use_backend|use-server|map|split_clients', text: NO_CHOICE },
  { words: 'acl allow', write: { spawnd: ['acl permit'] } },
  { words: 'allow|whitelist', write: { spawnd: ['permit'] } },
  { words: 'blacklist', write: { spawnd: ['deny'] } },
  {
    words: 'acl',
    text: "access rules have no names: 'permit = NETWORK' or 'deny = NETWORK' in the spawnd section",
  },
  {
    words: 'tcp-request|http-request',
    write: { spawnd: ['permit', 'deny'] },
    text: 'there are no other rules',
  },
  { words: 'source|proxy_bind', write: { tcprelay: ['local address'] } },
  { words: 'usesrc|transparent', write: { tcprelay: ['local address'] }, text: "its value 'client' does it" },
  { words: 'interface', write: { listen: ['bind to device'] } },
  { words: 'reuseport', write: { spawn: ['accept'] }, text: "its value 'direct' does it" },

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
    words: 'retries|redispatch|proxy_next_upstream|proxy_next_upstream_tries',
    write: { tcprelay: ['dial retries'] },
  },

  // How remotes are chosen and watched.
  {
    words: 'balance|policy|algorithm|scheduler|lb|hash|hash-type|least_conn|ip_hash|random',
    text: NO_POLICIES,
  },
  {
    words:
      'check|checks|inter|rise|fall|observe|health|healthcheck|health-check|health_check|tcp-check|http-check|httpchk',
    text: NO_HEALTH_CHECKS,
  },
  { words: 'option httpchk|tcp-check|ssl-hello-chk|smtpchk|mysql-check|pgsql-check', text: NO_HEALTH_CHECKS },
  { words: 'backup', text: 'this version has no backup remotes' },
  { words: 'stick|stick-table|cookie|persist', text: 'this version does not keep clients on one remote' },
  { words: 'resolvers|resolver|nameserver', text: 'names are looked up by the resolver of the system' },

  // Limits and processes.
  {
    words: 'maxconn|max_conns|max_connections|maxconnections|worker_connections|limit_conn|fullconn',
    write: { spawn: ['users max'] },
    text: 'it counts for each child',
  },
  {
    words: 'rate-limit|limit_rate|proxy_download_rate|proxy_upload_rate|limit_req',
    text: 'this version has no rate limits',
  },
  {
    words: 'nbproc|nbthread|worker_processes|workers|threads',
    write: { spawn: ['instances min', 'instances max'] },
  },
  { words: 'daemon|foreground', write: { spawnd: ['background'] } },
  { words: 'pid', write: { spawnd: ['pidfile'] } },
  { words: 'user|uid|setuid', write: { spawn: ['userid'] } },
  { words: 'group|gid|setgid', write: { spawn: ['groupid'] } },
  { words: 'chroot', text: 'this version does not change its root directory' },
  {
    words: 'ulimit-n|worker_rlimit_nofile',
    text: 'the limit of descriptors is set by whatever starts the program',
  },

  // Logs and statistics.
  {
    words: 'log|access_log|error_log|logfile|logcommon|log-format|log_format',
    write: { tcprelay: ['access log', 'syslog facility', 'syslog severity'] },
  },
  { words: 'option tcplog|httplog|dontlognull|logasap', write: { tcprelay: ['access log'] } },
  { words: 'stats|stub_status|monitor|metrics', text: 'this version has no statistics page' },

  // Sockets.
  {
    words: 'send-proxy|send-proxy-v2|send_proxy|accept-proxy|accept_proxy|proxy_protocol|proxy-protocol',
    text: NO_PROXY_PROTOCOL,
  },
  { words: 'so_keepalive|keepalive|tcpka', write: { tcprelay: ['tcp keepalive'] } },
  { words: 'option tcpka|clitcpka|srvtcpka', write: { tcprelay: ['tcp keepalive'] } },
  { words: 'option splice-auto|splice-request|splice-response', write: { tcprelay: ['splice'] } },
  { words: 'option redispatch', write: { tcprelay: ['dial retries'] } },
  { words: 'option', text: NO_SUCH_OPTION },
  { words: 'tfo|fastopen|tcp_fastopen', write: { listen: ['fast open'] } },

  // TLS.
  {
    words: 'tls|ssl ca-file|cafile|ca|capath|ca-path',
    write: { listen: ['tls client-ca-file'] },
    text: 'clients must then have a certificate of that authority',
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
  { words: 'ssl_preread', write: { listen: ['tls'] }, text: "its value 'pass' does it" },
  { words: 'proxy_ssl|client', write: { remote: ['tls'] } },
  { words: 'sni|proxy_ssl_name|checkhost', write: { remote: ['server name'] } },
  { words: 'verifypeer|verifychain|proxy_ssl_verify', write: { remote: ['verify'] } },

  // What is about something else than a relay of streams.
  { words: 'mode', text: NO_HTTP, value: /^http$/ },
  {
    words: 'mode',
    value: /^tcp$/,
    text: "'protocol' of a listener and of a remote says what is relayed: TCP or SCTP",
  },
  { words: 'http|location|server_name|root|redirect|rewrite|compression', text: NO_HTTP },
  {
    words: 'stream|events|global|defaults',
    text: "there are two sections: 'id = spawnd { … }' and 'id = tcprelay { … }'",
  },
]

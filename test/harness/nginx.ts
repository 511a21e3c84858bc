import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { afterwards, temporaryFolder } from './clean-up.js'
import { freePort } from './free-ports.js'
import { Program } from './program.js'
import type { Target } from './relay.js'
import { until } from './until.js'

/** An nginx for one test, in the foreground, with one page and a location that stores posted bodies. */
export interface Nginx extends Target {
  readonly folder: string
  /** Files here are served. */
  readonly pages: string
}

/** `POST /keep` returns the name of the file with the posted body. */
export async function startNginx(t: TestContext): Promise<Nginx> {
  const folder = temporaryFolder(t)
  const pages = join(folder, 'pages')
  mkdirSync(pages)
  writeFileSync(join(pages, 'page.txt'), 'a page')
  const configuration = join(folder, 'nginx.conf')
  // nginx cannot report which port the kernel has chosen.
  const port = await freePort()
  writeFileSync(configuration, configurationText(folder, pages, port))
  const nginx = new Program(t, ['nginx', '-p', folder, '-c', configuration, '-e', 'stderr'])
  afterwards(t, async () => {
    nginx.signal('SIGTERM')
    await nginx.ended()
  })
  await until('nginx to answer', () => answers(port))
  return { folder, pages, directive: `address = 127.0.0.1 port = ${port}` }
}

function configurationText(folder: string, pages: string, port: number): string {
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ')
  return `
    daemon off; master_process off; pid ${folder}/nginx.pid;
    events {}
    http {
      access_log off; ${paths}
      client_max_body_size 1g; client_body_in_file_only on; keepalive_requests 10000;
      server {
        listen 127.0.0.1:${port};
        root ${pages};
        location = /keep { proxy_pass http://127.0.0.1:${port}/kept; proxy_set_header X-File $request_body_file; }
        location = /kept { return 200 $http_x_file; }
      }
    }`
}

export function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', (hadError) => resolve(!hadError))
  })
}

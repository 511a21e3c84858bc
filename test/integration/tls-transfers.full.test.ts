import { tlsTransferTests } from './tls-transfers.js'

tlsTransferTests(1024 * 1024 * 1024)

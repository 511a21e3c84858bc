import { tlsTransferTests } from './tls-transfers.js'

tlsTransferTests(64 * 1024 * 1024)

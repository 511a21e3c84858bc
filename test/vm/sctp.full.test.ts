import { testInGuest } from './guest.js'

testInGuest('further SCTP, in User Mode Linux', 'sctp-further-cases')

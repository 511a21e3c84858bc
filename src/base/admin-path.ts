/** Where administrators reach a relay whose `admin` block names no place; a unit of systemd creates the directory. */
export const DEFAULT_ADMIN_PATH = '/run/tcprelay/admin.sock'

#!/bin/sh
# A helper of module external, written from the description of its protocol. The first argument selects its behaviour.
line_end='
'
[ "$1" = 'dies at once' ] && exit 3

answer() {
  printf '%s6 %s\n=0\n' "$values" "$1"
}

values=
while IFS= read -r line; do
  case $line in
    =) ;;
    '4 '*) user=${line#4 } values=$values$line$line_end; continue ;;
    '21 '*) others=$values values=$values$line$line_end; continue ;;
    *) values=$values$line$line_end; continue ;;
  esac
  case $1 in
    'dies in the middle') printf '%s' "$values"; exit 1 ;;
    'answers once') answer ACK; exit 0 ;;
    hangs) sleep 1000 ;;
    'wrong serial') values="${others}21 somebody else's$line_end"; answer ACK ;;
    'missing serial') values=$others; answer ACK ;;
    garbage) printf 'what is that?\n=0\n' ;;
    NAK) values="${values}32 go$(printf '\r')away$line_end"; answer NAK ;;
    'not found') answer NFD ;;
    down) printf '%s=16\n' "$values" ;;
    stderr) echo "asked of $user" >/dev/stderr; answer ACK ;;
    'small writes') answer ACK | while IFS= read -r part; do printf '%s' "$part"; printf '\n'; done ;;
    twice) text=$(answer ACK); printf '%s\n%s\n' "$text" "$text" ;;
    'closes stdout') exec >&-; sleep 1000 ;;
    *) answer ACK ;;
  esac
  values=
done

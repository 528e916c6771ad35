# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# lib.sh - what the cases share. A case is run by tests/run, which gives it
#
#	POURFS    the program          SERVER    the server's program in tests/server
#	BUCKET    a new, empty bucket  GATEWAY   the running server's folder
#	FIXTURES  what all cases share W         an empty local folder
#	PATIENCE  how many times as long as the gateway the server may take
#
# and the server's keys as AWS_... variables (server/gateway). The bucket is
# looked at through curl and s3cmd, which sign by themselves: never through
# what is being tested.
set -Eeuo pipefail
trap 'echo "line $LINENO failed ($?): $BASH_COMMAND" >&2' ERR
trap 'finish $?' EXIT
umask 022
export LC_ALL=C.UTF-8 TZ=UTC no_proxy=127.0.0.1 NO_PROXY=127.0.0.1

TESTS=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
readonly TESTS M=$W/mnt L=$W/local # the mountpoint; the same work done locally
mkdir -p "$M" "$L"
pour_pid=''
children=()

# ------------------------------------------------------------------ verdicts

fail() {
	echo "failed: $*" >&2
	exit 1
}

skip() {
	echo "skipped: $*"
	exit 77
}

# expect WHAT GOT WANTED
expect() { [[ $2 == "$3" ]] || fail "$1 is '$2', not '$3'"; }

# expect_match WHAT GOT REGEX
expect_match() { [[ $2 =~ $3 ]] || fail "$1 is '$2', which does not match '$3'"; }

# The command has to fail; its words go to $W/refused.
refused() {
	if "$@" >"$W/refused" 2>&1; then
		fail "this should have failed: $*"
	fi
}

# until_true SECONDS COMMAND...: polls.
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@" 2>"$W/until_true.err"; do
		((SECONDS < end)) || fail "still not true: $* $(<"$W/until_true.err")"
		sleep 0.1
	done
}

# ----------------------------------------------------------------- the mount

is_mounted() { grep -qF " $M " /proc/self/mountinfo; }

# pour [-o OPTIONS] [TARGET] mounts TARGET, by default the whole bucket, at $M.
# pour_pid is the process; its log is $W/pourfs.log.
pour() {
	local options=(-f) mounted
	if [[ ${1:-} == -o ]]; then
		options+=(-o "$2")
		shift 2
	fi
	"$POURFS" "${options[@]}" "${1:-$BUCKET}" "$M" </dev/null >>"$W/pourfs.log" 2>&1 &
	pour_pid=$!
	echo "$pour_pid" >>"$W/pids"
	for ((mounted = 0; mounted < 300; mounted++)); do
		! is_mounted || return 0
		kill -0 "$pour_pid" 2>/dev/null || break
		sleep 0.05
	done
	fail "did not mount: $(tail -n 3 "$W/pourfs.log")"
}

# A file that was closed is still released a little later.
unmount() {
	local tries
	for ((tries = 0; tries < 50; tries++)); do
		fusermount3 -u "$M" 2>"$W/unmount.err" && return
		sleep 0.1
	done
	fail "cannot unmount: $(<"$W/unmount.err")"
}

# Unmounts, and insists on a good end of the process.
unpour() {
	local status=0
	unmount
	wait "$pour_pid" || status=$?
	pour_pid=''
	expect "the exit status of pourfs" "$status" 0
}

# The mount is gone without a word, as after a loss of power.
crash() {
	kill_by KILL "$pour_pid" 137
	pour_pid=''
	fusermount3 -uz "$M"
}

# Mounts anew: nothing of what was cached is left.
repour() {
	unpour
	pour "$@"
}

# Peak resident memory of the mount, in KiB.
vmhwm() { sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$pour_pid/status"; }

# status_number NAME IN: what the status says, e.g. "bytes sent".
status_number() {
	"$POURFS" status --json "$M" |
		/usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]][sys.argv[2]])' "$@"
}

# Bytes that the mount caused to be written to a disk.
disk_bytes_written() { sed -n 's/^write_bytes: //p' "/proc/$pour_pid/io"; }

# ------------------------------------------------------------- background jobs

# http_serve DIR serves DIR on loopback, byte ranges too; URL is where.
http_serve() {
	"$TESTS/server/http" "$1" >"$W/http.port" 2>"$W/http.log" &
	children+=($!)
	until_true 10 grep -q '^port [0-9]' "$W/http.port"
	# shellcheck disable=SC2034
	URL=http://127.0.0.1:$(sed -n 's/^port //p' "$W/http.port")
}

# faults_serve [CERT KEY] stands between the mount and the server: FAULTY is where
# (server/faults). It passes everything on until it is told otherwise.
faults_serve() {
	mkdir "$W/faults"
	"$TESTS/server/faults" "$AWS_ENDPOINT_URL" "$W/faults" "$@" \
		>"$W/faults/port" 2>"$W/faults/errors" &
	children+=($!)
	until_true 10 grep -q '^port [0-9]' "$W/faults/port"
	# shellcheck disable=SC2034
	FAULTY=http${1:+s}://127.0.0.1:$(sed -n 's/^port //p' "$W/faults/port")
}

# faults RULE...: what goes wrong from here on.
faults() {
	printf '%s\n' "$@" >"$W/faults/rules.new"
	mv "$W/faults/rules.new" "$W/faults/rules"
}

# faults_count REGEX: the lines of its log that have it behind their time.
faults_count() { grep -cE "^[0-9.]+ $1" "$W/faults/log" || [[ $? == 1 ]]; }
faults_saw() { (($(faults_count "$1"))); }

# heads METHOD TARGET-REGEX HEADER: its value in each such request since the last
# forget, a line each, "-" where it has none.
heads() {
	awk -v RS= -v start="^$1 [^ ]*$2" -v name="$3: " '
		match($0, start) {
			value = "-"
			for (n = split($0, line, "\n"); n > 1; n--)
				if (index(line[n], name) == 1)
					value = substr(line[n], length(name) + 1)
			print value
		}' "$W/faults/heads"
}
forget() { : >"$W/faults/heads"; }
# all_say METHOD TARGET-REGEX HEADER VALUE: and there is one at least.
all_say() {
	local got
	got=$(heads "$1" "$2" "$3" | sort -u)
	[[ $got == "$4" ]] || fail "$1 $2 has $3 '$got', not '$4'"
}

# kill_at SIZE FILE COMMAND...: starts the command, and kills it without warning
# as soon as the file is that large.
kill_at() {
	local size=$1 file=$2 pid
	shift 2
	"$@" >"$W/killed.log" 2>&1 &
	pid=$!
	until_true 30 has_size "$size" "$file"
	kill -0 "$pid" || fail "ended before it could be killed: $*"
	kill_by KILL "$pid" 137
}

# kill_by SIGNAL PID STATUS: and it is that signal that ends the child.
kill_by() {
	local status=0
	kill "-$1" "$2"
	wait "$2" 2>/dev/null || status=$?
	expect "the status of what was ended by $1" "$status" "$3"
}
has_size() { (($(stat -c %s "$2") >= $1)); }

# server COMMAND ARGS...: what its contract (server/gateway) has for the server that
# runs. What this one cannot do is a reason to skip the case.
server() {
	local said status=0
	said=$("$TESTS/server/$SERVER" "$1" "$GATEWAY" "${@:2}") || status=$?
	((status != 77)) || skip "$said" >&2 # the caller may not listen
	[[ ! $said ]] || printf '%s\n' "$said"
	return "$status"
}

# needs FEATURE...: a case that is about what this server has not is skipped.
needs() { server has "$@"; }

# has FEATURE: for a step of a case. Without it, the case's table says so.
has() {
	local why
	why=$("$TESTS/server/$SERVER" has "$GATEWAY" "$1") || {
		echo "table: not tested: $why"
		return 1
	}
}

# own_server ARGS...: a server for this case alone, which tests/run stops. From
# here on all the AWS_ variables mean it.
own_server() {
	GATEWAY=$W/server
	mkdir "$GATEWAY"
	echo "$SERVER" >"$GATEWAY/program"
	server start "$@" >/dev/null
	set -a
	# shellcheck disable=SC1091
	. "$W/server/env"
	set +a
}

finish() {
	local status=$1
	trap - ERR EXIT
	set +e
	# Those that still run: the number of one that has ended may be another's by now.
	grep -xFf <(printf '%s\n' "${children[@]}") <(jobs -rp) | xargs -r kill
	if [[ $pour_pid ]] && is_mounted; then
		# In a subshell, as it ends with exit 1 when something is wrong.
		(unmount) || ((status)) || status=1
	fi
	exit "$status"
}

# ---------------------------------------------------- the bucket, from outside

url_encode() {
	python3 -c 'import sys, urllib.parse; print(urllib.parse.quote(sys.argv[1], safe="/~"))' "$1"
}

# s3_curl KEY-AND-QUERY CURL-ARGS...: a signed request to the bucket.
s3_curl() {
	local path=$1
	shift
	# In the URL the key may have a colon, as Swift's do.
	curl -sS --fail-with-body --noproxy '*' ${AWS_CA_BUNDLE:+--cacert "$AWS_CA_BUNDLE"} \
		--aws-sigv4 "aws:amz:$AWS_REGION:s3" \
		-H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' \
		"$@" "${AWS_ENDPOINT_URL%%//*}//${AWS_ACCESS_KEY_ID//:/%3A}:$AWS_SECRET_ACCESS_KEY@${AWS_ENDPOINT_URL#*//}/$BUCKET/$path"
}

s3cmd_() { s3cmd -c "$FIXTURES/s3cfg" --no-progress "$@"; }

bucket_make() { s3cmd_ mb "s3://$1" >/dev/null; }
object_get() { s3_curl "$(url_encode "$1")"; }
# object_put KEY FILE S3CMD-ARGS...
object_put() { s3cmd_ -q --no-preserve "${@:3}" put "$2" "s3://$BUCKET/$1"; }
# marker_put DIR/: an empty object of that key, as other clients mark directories.
marker_put() {
	s3_curl "$(url_encode "$1")" -X PUT -H 'content-type: application/x-directory' -d ''
}
object_exists() { s3_curl "$(url_encode "$1")" -I >/dev/null 2>&1; }
object_sha256() { object_get "$1" | sha256; }
object_head() { s3_curl "$(url_encode "$1")" -I | tr -d '\r'; }

# object_header KEY NAME
object_header() { object_head "$1" | sed -n "s/^$2: //Ip"; }

# "SIZE KEY" for each object below the prefix. (s3cmd has a word of its own for markers.)
object_list() {
	s3cmd_ ls -r "s3://$BUCKET/${1:-}" |
		sed -E "s/ DIROBJ / 0 /; s|^[0-9-]+ [0-9:]+ +([0-9]+) +s3://$BUCKET/|\1 |"
}

# allow WHOM ACTION...: what they may do in the bucket, and all that anybody but its
# owner may. WHOM: "other", the other user of the server, or "everybody".
allow() { server allow "$BUCKET" "$@"; }

as_other() {
	AWS_ACCESS_KEY_ID=$OTHER_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY=$OTHER_SECRET_ACCESS_KEY "$@"
}

uploads_list() { s3cmd_ multipart "s3://$BUCKET" | sed -n "s|^2[^\t]*\ts3://$BUCKET/||p"; }

sha256() { sha256sum | cut -d ' ' -f 1; }

# same_bytes KEY FILE: the object holds just what the file does.
same_bytes() {
	expect "the size of $1" "$(object_header "$1" content-length)" "$(stat -c %s "$2")"
	expect "the sha256 of $1" "$(object_sha256 "$1")" "$(sha256 <"$2")"
}

# A time without its fraction if that is zero: both forms are right.
plain_time() { [[ $1 =~ ^([0-9]+)\.0+$ ]] && echo "${BASH_REMATCH[1]}" || echo "$1"; }

# same_meta KEY FILE: the object's metadata say what stat says of the file, at
# the latest a few seconds after they were changed. Without an mtime of its own
# an object has that of its Last-Modified: when it was published, which takes its time,
# and which Swift rounds up.
same_meta() { until_true 10 meta_agrees "$@"; }
meta_agrees() {
	local key=$1 file=$2 head mode owner mtime written
	head=$(object_head "$key")
	header() { sed -n "s/^$1: //Ip" <<<"$head"; }
	mode=$(stat -c %f "$file")
	owner=$(stat -c %u:%g "$file")
	mtime=$(stat -c %.9Y "$file")
	[[ $(header x-amz-meta-mode) == "$((16#$mode))" ]] || return
	[[ $(header x-amz-meta-uid):$(header x-amz-meta-gid) == "$owner" ]] || return
	written=$(header x-amz-meta-mtime)
	if [[ $written ]]; then
		[[ $written =~ ^[0-9]+(\.[0-9]{9})?$ && $(plain_time "$written") == "$(plain_time "$mtime")" ]]
	else
		written=$(($(date -d "$(header last-modified)" +%s) - ${mtime%.*}))
		((written >= -2 && written <= 2 * PATIENCE))
	fi
}

has_type() { expect "the content type of $1" "$(object_header "$1" content-type)" "$2"; }

# same_tree DIR PREFIX: every file below DIR is in the bucket under PREFIX, with
# the same bytes, and nothing else is. (Directory markers end in "/".)
same_tree() {
	local dir=$1 prefix=$2
	object_list "$prefix/" | sed -n "s|^[0-9]* $prefix/\(.*[^/]\)$|\1|p" | sort >"$W/keys"
	(cd "$dir" && find . -type f | sed 's|^\./||' | sort) >"$W/names"
	diff "$W/names" "$W/keys" || fail "the names below $prefix differ"
	rm -rf "$W/fetched"
	mkdir "$W/fetched"
	s3cmd_ -q sync "s3://$BUCKET/$prefix/" "$W/fetched/" >/dev/null
	(cd "$dir" && find . -type f -print0 | sort -z | xargs -0 -r sha256sum) >"$W/local.sums"
	(cd "$W/fetched" && find . -type f -print0 | sort -z | xargs -0 -r sha256sum) >"$W/s3.sums"
	diff "$W/local.sums" "$W/s3.sums" || fail "the bytes below $prefix differ"
	rm -rf "$W/fetched"
}

# -------------------------------------------------------- the random program

# exercise DIR SECONDS ARGS...: the exerciser, in a new folder DIR of the mount
# and in one of the same name below $L, for so long.
exercise() {
	local dir=$1 limit=$2 status=0
	mkdir "$M/$dir" "$L/$dir"
	timeout -k 5 $((limit + 60)) "$(dirname "$POURFS")/tests/exerciser/exerciser" -v \
		-t "$limit" "${@:3}" "$M/$dir" "$L/$dir" >"$W/$dir.log" || status=$?
	((!status)) || tail -n 60 "$W/$dir.log" >&2
	((status != 124)) || fail "the exerciser hangs in its last operation"
	expect "the status of exerciser -t $limit ${*:3}" "$status" 0
	tail -n 1 "$W/$dir.log"
}

# same_again OPTIONS FOLDER...: what the folders below $L hold is in the bucket,
# and read through a new mount.
same_again() {
	local dir
	repour -o "$1"
	for dir in "${@:2}"; do
		diff -r "$L/$dir" "$M/$dir" || fail "$dir reads otherwise after a mount"
		same_tree "$L/$dir" "$dir"
	done
}

# ------------------------------------------- requests, as the server counts them

# The server's log lags a little: a request of our own tells when it is complete.
# A mark is "POSITION MARK": what is in the log behind that, and behind the request.
requests_mark() {
	local mark=".mark-$RANDOM$RANDOM" from
	from=$(server position)
	curl -sI --noproxy '*' ${AWS_CA_BUNDLE:+--cacert "$AWS_CA_BUNDLE"} \
		"$AWS_ENDPOINT_URL/$BUCKET/$mark" >/dev/null
	until_true 10 requests_have "$mark" "$from"
	echo "$from $mark"
}
requests_have() { server requests "$2" | grep "/$1 " >/dev/null; }

# requests_since MARK: "NAME KEY-AND-QUERY STATUS" for each request to the bucket
# since then; NAME is the method, or what S3 calls it.
requests_since() {
	local from=${1% *} mark=${1#* }
	requests_mark >/dev/null
	server requests "$from" | sed "0,/\/$mark /d" |
		sed -En -e '/\/\.mark-/d' -e "s#^([A-Z]+) /$BUCKET/?(.*)#\1 \2#p" |
		sed -E -e 's/^POST (.*\?uploads)/CREATE \1/' \
			-e 's/^PUT (.*partNumber=)/PART \1/' \
			-e 's/^COPY (.*partNumber=)/PARTCOPY \1/' \
			-e 's/^POST (.*uploadId=)/COMPLETE \1/' \
			-e 's/^DELETE (.*uploadId=)/ABORT \1/' \
			-e 's/^POST (.*\?delete)/DELETEMANY \1/' \
			-e 's/^GET (\?|.*list-type)/LIST \1/'
}

# learnt: what the service does not know, a mount finds out by asking it, once. So that
# this is not counted.
learnt() {
	cp /dev/null "$M/.learnt"
	rm "$M/.learnt"
}

# What a copy of an object in parts costs. Swift answers 412 to any copy-source-if-match
# of one: then a HEAD has to do, and a copy without.
# shellcheck disable=SC2034
copy_of_parts=COPY=$([[ $SERVER == swift ]] && echo 2 || echo 1)

# changes_since MARK: what changed the bucket since then, counted:
# "COMPLETE=1 CREATE=1 PART=13".
changes_since() {
	requests_since "$1" | cut -d ' ' -f 1 | grep -vE '^(GET|HEAD|LIST)$' | sort | uniq -c |
		awk '{ printf "%s%s=%s", sep, $2, $1; sep = " " }' || true
}

# ----------------------------------------------------------------- fixtures

# random_file FILE SIZE
random_file() { head -c "$2" /dev/urandom >"$1"; }

# fixture NAME COMMAND...: a file that all cases share. The command makes it, once,
# as the file whose name is its last word. Prints the name.
fixture() {
	local file=$FIXTURES/$1
	shift
	if [[ ! -e $file ]]; then
		"$@" "$FIXTURES/$$.${file##*/}" # another case may be making it, too
		mv "$FIXTURES/$$.${file##*/}" "$file"
	fi
	echo "$file"
}

ffmpeg_() { ffmpeg -v error -nostdin -y "$@"; }

# A video with sound of about 30 MB that does not compress, and the same twice.
video() {
	fixture video.mkv ffmpeg_ \
		-f lavfi -i testsrc2=size=640x360:rate=25,noise=alls=60:allf=t \
		-f lavfi -i sine=frequency=440:sample_rate=44100 -t 12 \
		-c:v libx264 -preset ultrafast -b:v 20M -pix_fmt yuv420p -c:a aac
}
long_video() { fixture long_video.mkv ffmpeg_ -stream_loop 1 -i "$(video)" -c copy; }

# Sound of about 60 MB that does not compress.
sound() { fixture sound.wav ffmpeg_ -f lavfi -i anoisesrc=r=48000:seed=1 -ac 2 -t 320 -bitexact; }

# A picture, for covers.
picture() {
	fixture picture.jpg ffmpeg_ -f lavfi -i testsrc2=size=640x360 -frames:v 1 -update 1
}

# ----------------------------------------------------------------- archives

# packing_tree: a tree $L/d of 60 MB, to be packed; tree is its name.
packing_tree() {
	mkdir -p "$L/d/sub"
	random_file "$L/d/one.bin" 23000000
	random_file "$L/d/two.bin" 31000000
	random_file "$L/d/sub/small" 12345
	head -c 5M < <(yes "what can be compressed") >"$L/d/text"
	chmod 640 "$L/d/text"
	touch -d '2019-08-07 06:05:04' "$L"/d/[ot]* "$L/d/sub/small"
	tree=$L/d
}

# unpacks_to_same NAME COMMAND...: what is in the bucket does, in an empty folder.
unpacks_to_same() {
	local name=$1
	shift
	object_get "$name" >"$W/$name"
	mkdir "$W/unpacked"
	(cd "$W/unpacked" && "$@" <"$W/$name" >/dev/null)
	diff -r "$tree" "$W/unpacked/d"
	rm -r "$W/unpacked"
}

# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# identity.sh - for cases whose keys come from somewhere: a double of those who grant
# them (server/identity), a home with profiles for it, and mounts that find them there.
# Sourced after lib.sh.

mkdir -p "$W/home/.aws/sso/cache" "$W/identity"
"$TESTS/server/identity" "$W/identity" >"$W/identity/port" 2>"$W/identity/errors" &
children+=($!)
until_true 10 grep -q '^port [0-9]' "$W/identity/port"
IDENTITY=http://127.0.0.1:$(sed -n 's/^port //p' "$W/identity/port")
cat >"$W/identity/expect" <<-END
	caller_access=CALLER
	caller_secret=calling
	identity=who-i-am
	container=Bearer me
	bearer=logged-in
	refresh=once
	bearer_seconds=3600
	next_refresh=once-more
END
printf 'who-i-am\n' >"$W/identity/token"
# "ACCESS SECRET TOKEN SECONDS" for each grant in turn; and who asked for one.
grants() { printf '%s\n' "$@" >"$W/identity/grants"; }
granted() { cat "$W/identity/log"; }
cat >"$W/home/.aws/config" <<-END
	[profile role]
	role_arn = arn:aws:iam::123456789012:role/writer
	role_session_name = tester
	source_profile = caller
	[profile web]
	role_arn = arn:aws:iam::123456789012:role/web
	web_identity_token_file = $W/identity/token
	[profile login]
	sso_session = work
	sso_account_id = 123456789012
	sso_role_name = writer
	[sso-session work]
	sso_region = us-east-1
	sso_start_url = https://example.com/start
END
printf '[caller]\naws_access_key_id = CALLER\naws_secret_access_key = calling\n' >"$W/home/.aws/credentials"
chmod 600 "$W/home/.aws/credentials"
login=$W/home/.aws/sso/cache/$(printf work | sha1sum | cut -d ' ' -f 1).json
# login TOKEN UNTIL [MORE]
login() {
	printf '{"accessToken": "%s", "expiresAt": "%s"%s}' "$1" "$(date -u -d "$2" +%Y-%m-%dT%H:%M:%SZ)" "${3:-}" >"$login"
}
login logged-in '1 hour'

# With these variables, and none of the keys that the other clients here go on with.
with() {
	env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY -u AWS_EC2_METADATA_DISABLED HOME="$W/home" \
		KEEPS_IT="$AWS_SECRET_ACCESS_KEY" AWS_ENDPOINT_URL_STS="$IDENTITY" AWS_ENDPOINT_URL_SSO="$IDENTITY" \
		AWS_ENDPOINT_URL_SSO_OIDC="$IDENTITY" \
		AWS_EC2_METADATA_SERVICE_ENDPOINT="$IDENTITY/" "$@"
}
# THROUGH: another endpoint; OPTIONS: more of them.
mount_with() {
	with "$@" "$POURFS" -f -o "endpoint=${THROUGH:-$AWS_ENDPOINT_URL}${OPTIONS:+,$OPTIONS}" "$BUCKET" "$M" </dev/null >>"$W/pourfs.log" 2>&1 &
	pour_pid=$!
	echo "$pour_pid" >>"$W/pids"
	until_true 20 is_mounted
}

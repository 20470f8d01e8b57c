#!/bin/sh
# Takes a backup of a running server, proves it, and copies it to S3 or a store with the same API:
#   backup-to-s3.sh http://127.0.0.1:7411 s3://bucket/holdfast
# `holdfast` takes its token from HOLDFAST_TOKEN, and `aws` its credentials as always. Each copy has
# the time in its name. Nothing is copied unless the backup is whole.
set -eu

if [ $# -ne 2 ]; then
  echo 'usage: backup-to-s3.sh URL S3-ADDRESS' >&2
  exit 2
fi

# A backup has every value: no other user may read it.
umask 077
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

name="holdfast-$(date -u +%Y-%m-%dT%H-%M-%SZ).backup"
holdfast backup --url "$1" --to "$folder/$name"
aws s3 cp --only-show-errors "$folder/$name" "${2%/}/$name"
echo "${2%/}/$name"

#!/bin/sh
# SPDX-License-Identifier: MIT
# What: openssl: digests, cipher round trip, keys, certificate, a short speed run
# Needs: openssl
seq 1 1000 >in; openssl dgst -sha256 in
openssl enc -aes-256-cbc -pbkdf2 -k secret -in in -out enc
openssl enc -d -aes-256-cbc -pbkdf2 -k secret -in enc | cmp - in && echo same
openssl genrsa -out key.pem 2048 2>/dev/null
openssl rsa -in key.pem -check -noout 2>&1
openssl req -x509 -key key.pem -subj /CN=test -days 1 -out cert.pem 2>/dev/null
openssl x509 -in cert.pem -noout -subject
openssl ecparam -name prime256v1 -genkey -noout -out ec.pem
openssl dgst -sha256 -sign ec.pem -out sig in
openssl ec -in ec.pem -pubout -out pub.pem 2>/dev/null
openssl dgst -sha256 -verify pub.pem -signature sig in
openssl rand -hex 16 | wc -c
openssl speed -seconds 1 -bytes 1024 sha256 2>/dev/null | grep -c '^sha256'
openssl speed -seconds 1 -multi 2 -bytes 1024 -evp aes-128-cbc 2>/dev/null |
	tail -n 1 | cut -c1-11

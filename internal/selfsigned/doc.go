// Package selfsigned turns what a certificate is to say into a key pair in PEM. Tests of all
// parts import it, and nothing else does.
package selfsigned

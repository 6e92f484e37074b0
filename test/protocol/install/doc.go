// Package install makes sure that programs which tests run are there: of Debian
// packages by apt-get, of npm packages by npm. Where it may not install, it names
// what is missing.
package install

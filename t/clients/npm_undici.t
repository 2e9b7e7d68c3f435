#!/usr/bin/perl

# undici of npm: the cases of all clients.

use strict;
use warnings;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap::Conformance;

Pimap::Conformance->run(client => 'undici',
    command => ['node', 'clients/adapter_npm.mjs'],
    options => { package => 'undici',
        lacks => [qw(update retry expiry backoff silence)] });

#!/usr/bin/perl

# event-source-polyfill of npm: the cases of all clients.

use strict;
use warnings;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap::Conformance;

Pimap::Conformance->run(client => 'event-source-polyfill',
    command => ['node', 'clients/adapter_npm.mjs'],
    options => { package => 'event-source-polyfill',
        lacks => [qw(update retry expiry backoff)] });

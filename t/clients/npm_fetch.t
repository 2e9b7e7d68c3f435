#!/usr/bin/perl

# fetch-event-source of npm: the cases of all clients.

use strict;
use warnings;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap::Conformance;

Pimap::Conformance->run(client => 'fetch-event-source',
    command => ['node', 'clients/adapter_npm.mjs'],
    options => { package => 'fetch-event-source',
        lacks => [qw(update retry expiry backoff silence)] });

#!/usr/bin/perl

# extended-eventsource of npm: the cases of all clients.

use strict;
use warnings;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap::Conformance;

Pimap::Conformance->run(client => 'extended-eventsource',
    command => ['node', 'clients/adapter_npm.mjs'],
    options => { package => 'extended-eventsource',
        lacks => [qw(update retry expiry backoff silence)] });

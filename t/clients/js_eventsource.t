#!/usr/bin/perl

# pimap-client of integrations/js with EventSource: the cases of all clients.

use strict;
use warnings;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap::Conformance;

Pimap::Conformance->run(client => 'JavaScript, EventSource',
    command => ['node', 'clients/adapter.mjs'],
    options => { transport => 'eventsource',
        lacks => ['backoff', 'compress'] });

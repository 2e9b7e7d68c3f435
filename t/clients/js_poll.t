#!/usr/bin/perl

# pimap-client of integrations/js with long polling: the cases of all clients.

use strict;
use warnings;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap::Conformance;

Pimap::Conformance->run(client => 'JavaScript, long polling',
    command => ['node', 'clients/adapter.mjs'],
    options => { transport => 'poll', lacks => ['hibernate'] });

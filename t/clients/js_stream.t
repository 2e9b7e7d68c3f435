#!/usr/bin/perl

# pimap-client of integrations/js with fetch(): the cases of all clients.

use strict;
use warnings;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap::Conformance;

Pimap::Conformance->run(client => 'JavaScript, fetch',
    command => ['node', 'clients/adapter.mjs'],
    options => { transport => 'stream' });

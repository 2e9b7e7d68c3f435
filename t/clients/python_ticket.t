#!/usr/bin/perl

# The client in Python, which parks with tickets: the cases of all clients.

use strict;
use warnings;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap::Conformance;

Pimap::Conformance->run(client => 'Python, tickets',
    command => ['/usr/bin/python3', 'clients/adapter.py'],
    options => { useTicket => \1, httpx => \0 });

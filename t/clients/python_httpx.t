#!/usr/bin/perl

# The client in Python, integrations/python, by httpx: the cases of all
# clients.

use strict;
use warnings;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap::Conformance;

Pimap::Conformance->run(client => 'Python, httpx',
    command => ['/usr/bin/python3', 'clients/adapter.py'],
    options => { httpx => \1 });

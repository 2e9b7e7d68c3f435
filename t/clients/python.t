#!/usr/bin/perl

# The client in Python, integrations/python, without httpx: the cases of all
# clients.

use strict;
use warnings;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap::Conformance;

Pimap::Conformance->run(client => 'Python',
    command => ['/usr/bin/python3', 'clients/adapter.py'],
    options => { httpx => \0 });

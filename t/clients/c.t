#!/usr/bin/perl

# The example in C, integrations/c, is compiled without a warning: the cases of
# all clients.

use strict;
use warnings;

use File::Temp;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap::Conformance;

my $dir = File::Temp->newdir('pimap_XXXXXX', TMPDIR => 1);
my $source = '../integrations/c/pimap_client.c';

# a ping may be late by a second only, so that the test of that is short

system(qw(cc -std=gnu99 -Wall -Wextra -Werror -O2 -DGRACE=1 -o),
    "$dir/pimap_client", $source, '-lcurl') == 0 or die "$source: $?\n";

Pimap::Conformance->run(client => 'C', command => ['/usr/bin/python3',
    'clients/adapter_c.py', "$dir/pimap_client"]);

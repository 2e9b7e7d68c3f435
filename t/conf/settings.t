#!/usr/bin/perl

# Each directive, each of its parameters, and each option of pimap-bridge.conf
# is set in a test.  What a test only reads from the documents does not count.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new();
my $root = $t->root();

$t->plan(5);

my $module = source('ngx_pimap_module/*.c', 'ngx_pimap_module/*/*.c');
my $config = source('bridge/conf/bridge_config.c');
my $tests = source('t/*/*.t', 't/lib/*.pm', 't/lib/*/*.pm');
my @bridge = map { $t->read_file($_) } map { glob("$root/t/$_") }
    'bridge/*.t', 'backends/*.t', 'lib/Pimap/*.pm';

# Directives

my %directives = map { $_ => 1 } source('ngx_pimap_module/ngx_pimap_module.c')
    =~ /"(pimap_\w+)"/g;

cmp_ok(keys(%directives), '>', 40, 'directives are found');
is(join(' ', grep { $tests !~ /\b$_\s+["'\$\w*]/ && !endpoint($_) }
    sort(keys(%directives))), '', 'each directive is set in a test');

# Parameters: "name=value" of a directive

my %parameters = map { $_ => 1 } $module =~ /"([a-z_]+)="[,)]/g;

is(join(' ', grep { $tests !~ /\b$_=["'\$\w\/]/ } sort(keys(%parameters))), '',
    'each parameter is set in a test');

# The groups of pimap-bridge.conf: { group => [options] }

my %options;

while ($config =~ /bridge_config_(\w+)\[\] = \{(.*?)^\};/msg) {
    my ($group, $table) = ($1, $2);

    $group =~ s/_options$//;
    $options{$group} = [ $table =~ /^\s+\w+\("(\w+)", (?!bridge_)/mg ];
}

cmp_ok(scalar(map { @$_ } values(%options)), '>', 60, 'options are found');
is(join(' ', map { my $group = $_; map { "$group.$_" }
    grep { !is_set($group, $_) } sort(@{ $options{$group} }) }
    sort(keys(%options))), '', 'each option is set in a test');


sub source {
    return join("\n", map { $t->read_file($_) } map { glob("$root/$_") } @_);
}


# These have no value.

sub endpoint { return $tests =~ /\b$_[0];/ }


# As "name = value" in a test that also names the group.

sub is_set {
    my ($group, $name) = @_;

    my $set = qr/\b$name\s*=\s*\\?["'\$\w@]/;
    my $names = $group eq 'main' ? qr/Bridge/ : $group eq 'server'
        ? qr/\bservers?\}?\s*=/ : qr/\b$group\b\}?\s*(?:=>|=|\.=|=~)/;

    return grep { /$set/ && /$names/ } @bridge;
}

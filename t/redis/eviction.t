#!/usr/bin/perl

# A worker warns once if Redis may evict revoked logins: if it has a limit of
# its memory, and another policy than "noeviction".

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

# options of Redis, the number of warnings
my @cases = (
    ['maxmemory 100mb', 'maxmemory-policy volatile-lru', 1],
    ['maxmemory 100mb', 'maxmemory-policy allkeys-lfu', 1],
    ['maxmemory 100mb', 'maxmemory-policy noeviction', 0],
    ['maxmemory 0', 'maxmemory-policy volatile-lru', 0],
);
my $warning = qr/Redis may evict revoked logins.*"maxmemory-policy" is "\w/;
my @t = map { Pimap->new() } @cases;

$t[0]->plan(4 * @cases);

for (@cases) {
    my (@options) = @$_;
    my $n = pop(@options);
    my $t = shift(@t);

    $t->redis(options => \@options);
    $t->run();
    $t->wait_ready();
    is(warnings($t), $n, "@options: warned $n times");

    # a new connection asks again

    my $connects = $t->worker_status()->{redis}{connects};

    $t->redis()->command(qw(CLIENT KILL TYPE normal));
    ok($t->wait_for(sub {
        $t->worker_status()->{redis}{connects} > $connects }), '    again');
    ok($t->wait_ready(), '    ready');
    $t->wait_for(sub { commands($t->redis()) >= 2 }, 'the question');
    is(warnings($t), $n, '    no other warning');
}


# Redis counts the INFO of the test, too.

sub commands {
    my ($redis) = @_;

    my $stats = $redis->command('INFO', 'commandstats');

    return $stats =~ /cmdstat_info:calls=(\d+)/ ? $1 : 0;
}


sub warnings {
    my ($t) = @_;

    $t->wait_for(sub { commands($t->redis()) >= 1 }, 'the question');

    return scalar($t->log_lines($warning));
}

#!/usr/bin/perl

# The Redis users of docs/reliability.md have exactly the rights they need.
# The command there loads the library.  Without memory the log does not change.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Page;

my $t = Pimap->new();
$t->plan(39);

my $page = Pimap::Page->new($t->root(), 'docs/reliability.md');
my ($block) = $page->blocks('redis');
my ($load) = $page->blocks('sh');
my @users = $block->{text} =~ /^user (.*)/mg;

push(@users, $users[1] =~ s/^\S+/no-channel/r =~ s/ &\S+//r,
    $users[1] =~ s/^\S+/no-info/r =~ s/ \+info//r,
    $users[1] =~ s/^\S+/no-copy/r =~ s/ \+copy//r);

my $redis = $t->redis(users => \@users)->start();
my ($loader, $publisher, $deaf, $blind, $poor) = map { login($_) } @users;

# the command, as the user that may load

my ($name, $password) = $users[0] =~ /^(\S+) on >(\S+)/;
my $cli = "redis-cli --no-auth-warning --user $name --pass $password -s "
    . $redis->socket();

my $command = $load->{text} =~ s/^redis-cli/$cli/r;
like(qx(cd '@{[ $t->root() ]}' && $command), qr/^pimap$/, 'the library loads');
like(qx(cd '@{[ $t->root() ]}' && $command), qr/^pimap$/, '    again');

my $library = $t->read_file($t->root() . '/redis/pimap.lua');
my $json = $t->json({ event => 'MessageNew' });
my @publish = (qw(FCALL pimap_publish 1 pimap:{a}), $json);

refused($loader, 'the loader', 'FUNCTION', 'FLUSH');
refused($loader, 'the loader', @publish);
refused($loader, 'the loader', 'PUBLISH', 'pimap:{a}', 'x');

refused($publisher, 'a publisher', 'FUNCTION', 'LOAD', 'REPLACE', $library);
refused($publisher, 'a publisher', 'PUBLISH', 'pimap:probe:1', 'x');
refused($publisher, 'a publisher', qw(FCALL pimap_publish 1 other:{a}), $json);
refused($publisher, 'a publisher', 'XRANGE', 'other', '-', '+');

# every command in the functions

my $id = $publisher->command(@publish, 2, 60, 'key');
my ($epoch) = $id =~ /^(\d+)-1$/;
ok($epoch, 'a publisher publishes');
is($publisher->command(@publish, 2, 60, 'key'), $id, '    with a key');

$redis->command('DEL', 'pimap:{a}');
$redis->command('XADD', 'pimap:{a}', $id, 'e', '{}', 't', 1);
$redis->command('XADD', 'pimap:{b}', '5-1', 'e', '{}', 't', 1);

is($publisher->command(@publish), "$epoch-2",
    '    to a log with an old entry');
like($publisher->command(qw(FCALL pimap_publish 1 pimap:{b}), $json),
    qr/^\d{19}-2$/, '    to a log without an epoch');
is($redis->command('XLEN', 'pimap:{b}'), 1,
    '        the log begins again');
is($publisher->command(qw(FCALL pimap_post 1 pimap:{a}), $json)->[0],
    "$epoch-3", '    with post');
is(scalar(@{ $publisher->command(qw(FCALL_RO pimap_read 1 pimap:{a}),
    $epoch, 1, 9) }), 6, '    and reads');
is($publisher->command(qw(FCALL_RO pimap_last 1 pimap:{a})), "$epoch-3",
    '    and asks for the last id');

my %needs = map { lc($_) => 1 } $library =~ /redis\.p?call\('(\w+)'/g,
    $library =~ /\bverb = .* '(\w+)' or '(\w+)'/;
my %has = commands($users[1]);
my ($bridge) = map { $_->{text} =~ /^user (.*)/mg }
    Pimap::Page->new($t->root(), 'docs/bridge.md')->blocks('redis');
my %bridge = commands($bridge);

is_deeply([grep { !$bridge{$_} } sort(keys(%needs))], ['zcard'],
    'a bridge may run all commands except those of nginx alone');

# commands of the functions that only bridges and nginx call

delete @needs{qw(hdel pexpire zadd zcard zmscore zrange zrem
    zremrangebyscore)};
delete @has{qw(auth ping fcall fcall_ro)};
is_deeply([sort(keys(%has))], [sort(keys(%needs))],
    'a publisher may run no other command');

# a user without channels must not write half an event

like(error($deaf, @publish), qr/^NOPERM .*PUBLISH/,
    'a user without channels: refused');
is($redis->fcall('last', 'a'), "$epoch-3", '    nothing is written');

# a user without INFO can't prove that the log goes on, and harms no other one

$redis->load();
like(error($blind, @publish), qr/can't run this command|no permissions/,
    'a user without INFO: refused');
is($redis->fcall('last', 'a'), "$epoch-3", '    nothing is written');
is($publisher->command(@publish), "$epoch-4",
    '    for another user the log goes on');
is($publisher->command(@publish), "$epoch-5", '    again');

# a user without COPY can't begin a log, nor spoil it for the next one

$redis->other_server('a');
like(error($poor, @publish), qr/can't run this command|no permissions/,
    'a user without COPY: a log does not begin') for 1 .. 2;
is($redis->command(qw(EXISTS pimap:{a})), 0,
    '    no event is left that was not published');

my ($next) = $publisher->command(@publish) =~ /^(\d+)-2$/;

ok($next > $epoch, '    another user begins it, with another epoch');
$epoch = $next;
is($publisher->command(@publish), "$epoch-3", '    it goes on');
is($poor->command(@publish), "$epoch-4", '    then the former may publish');
is($publisher->command(@publish), "$epoch-5", '    again');

# memory

$redis->command(qw(CONFIG SET maxmemory 1));
like($redis->error(@publish), qr/^OOM /, 'Redis without memory: refused');
is($redis->fcall('last', 'a'), "$epoch-5", '    nothing is written');
is($redis->command(qw(FCALL_RO pimap_read 1 pimap:{a}), $epoch, 5, 1)->[0],
    'ok', '    reading works');
$redis->command(qw(CONFIG SET maxmemory 0));
is($publisher->command(@publish), "$epoch-6",
    'Redis with memory again: published');

# keys of a wrong type

$redis->command(qw(SET pimap:{c} x));
like($redis->error(qw(FCALL pimap_publish 1 pimap:{c}), $json),
    qr/^WRONGTYPE /, 'a log of a wrong type: refused');
$redis->command(qw(LPUSH pimap:{d}:epoch x));
like($redis->error(qw(FCALL pimap_publish 1 pimap:{d}), $json),
    qr/^WRONGTYPE /, 'an epoch of a wrong type: refused');
is($redis->fcall('last', 'd'), '', '    nothing is written');


sub commands { map { s/\|.*//r => 1 } $_[0] =~ /\+([\w|]+)/g }


sub login {
    my ($name, $password) = $_[0] =~ /^(\S+) on >(\S+)/;

    my $client = Pimap::Resp->connect($redis->socket());
    $client->command('AUTH', $name, $password);

    return $client;
}


sub error {
    my ($client, @command) = @_;
    return eval { $client->command(@command); 'no error' }
        // $@ =~ s/^redis: //r;
}


sub refused {
    my ($client, $who, @command) = @_;

    like(error($client, @command), qr/^NOPERM |can't run this command/,
        "$who may not: @command[0 .. 1]");
}

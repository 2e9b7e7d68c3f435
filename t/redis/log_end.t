#!/usr/bin/perl

# However a log loses its end, or its epoch: no id is given to two events.  A
# reader with the last id gets each later event, or is told to resync.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant MAX => '18446744073709551615';

my $t = Pimap->new();
my $event = { event => 'MessageNew' };

my %server = map { $_ => Pimap::Redis->new(t => $t, name => $_, port => 1,
    options => ["dbfilename $_.rdb", 'enable-debug-command yes',
        'repl-diskless-sync-delay 0', 'repl-ping-replica-period 3600',
        'repl-diskless-load ' . ($_ eq 'one' ? 'swapdb' : 'disabled')]) }
    qw(one two);

my ($redis, $account, %given);
my %rest = (log => '', epoch => ':epoch');      # of a key

# The way, what happens, and the epoch after it.

my @ways = (
    ['nothing', sub { }, 'same'],
    ['the log is deleted or evicted, or expires', sub { del('log') }, 'new'],
    ['all its entries are trimmed', sub { on(qw(XTRIM log MAXLEN 0)) },
        'same'],
    ['its last entry is deleted', sub { on('XDEL', 'log', $_[0]) }, 'same'],
    ['the epoch is deleted or evicted', sub { del('epoch') }, 'same'],
    ['both are', sub { del('epoch', 'log') }, 'new'],
    ['both are, three times in a millisecond', \&at_once, 'new'],
    ['FLUSHALL', sub { $redis->command('FLUSHALL') }, 'new'],
    ['an older log is restored, and deleted', sub { older('log');
        del('log') }, 'new'],
    ['an older epoch is restored', sub { older('epoch') }, 'same'],
    ['another account\'s log is copied over it', sub { other('log') }, 'new'],
    ['another account\'s epoch is', sub { other('epoch') }, 'same'],
    ['another account\'s keys are', sub { other('log', 'epoch') }, 'old'],
    ['an entry is added by hand', sub { push(@{ $given{$account} },
        on(qw(XADD log), $_[0] =~ s/-.*/-*/r, qw(e {} t 1))) }, 'same'],
    ['an entry of a later epoch is', sub { on(qw(XADD log),
        ((split(/-/, $_[0]))[0] + 1) . '-1', qw(e {} t 1)) }, 'new'],
    ['its last id is set by hand',
        sub { on(qw(XSETID log 8999999999999999999-1)) }, 'new'],
    (map { my $id = $_; (["an entry $id is added", sub { on(qw(XADD log), $id,
        qw(e {} t 1)) }, 'new'], ["the epoch is that of $id",
        sub { epoch($id =~ /^(\d+)/); del('log') }, 'new']) }
        MAX . '-1', MAX . '-' . MAX, '9223372036854775808-1'),
    ['the log has a number over 2^53', sub { on(qw(XSETID log),
        $_[0] =~ s/-.*/-9007199254740993/r) }, 'new'],
    ['the epoch is no number', sub { epoch('x'); del('log') }, 'new'],
    ['an entry has no time', sub { push(@{ $given{$account} },
        on(qw(XADD log), $_[0] =~ s/-.*/-*/r, qw(e {}))) }, 'same'],
    ['the functions are loaded again', sub { $redis->load() }, 'same'],
    ['DEBUG RELOAD', sub { $redis->command(qw(DEBUG RELOAD)) }, 'same'],
    ['a restart after an older snapshot', \&snapshot, 'new'],
    ['a restart without loss', sub { $redis->command('SAVE');
        $redis->restart() }, 'new'],
    ['a copy to another server', \&copy, 'new'],
    ['MIGRATE to another server', \&migrate, 'new'],
    ['... and back', sub { migrate(); publish(); migrate() }, 'new'],
    ['a failover', sub { split_brain(); use_server('two') }, 'new'],
    ['... and a failback', sub { split_brain(); back() }, 'new'],
    ['... with an event between', sub { split_brain(); back(1) }, 'new'],
    ['a failover without loss, and a failback that loses', sub {
        follow('two', 'one'); alone('two'); follow('one', 'two');
        cut('one'); use_server('two'); publish(); later(); alone('one');
        use_server('one') }, 'new'],
    ['a replica comes', sub { follow('two', 'one'); later() }, 'same'],
    ['a failover, and the epoch is lost', sub { split_brain();
        use_server('two'); del('epoch') }, 'new'],
    ['a replica that can be written, and follows again', \&writable, 'new'],
);

$t->plan(3 * @ways);
$_->start()->load() for values(%server);

for my $n (0 .. $#ways) {
    my ($name, $happens, $epoch) = @{ $ways[$n] };

    $account = "account$n";
    alone('one');
    alone('two');
    use_server('two')->command(qw(CONFIG SET replica-read-only yes));
    $redis->command('FLUSHALL');
    use_server('one');

    publish() for 1 .. 5;
    $happens->($given{$account}[-1]);

    my @old = @{ $given{$account} };
    my @new = map { publish() } 1 .. 3;
    my %times;

    $times{$_}++ for @old, @new;

    is(join(' ', grep { $times{$_} > 1 } sort(keys(%times))), '',
        "$name: no id is given again");

    my ($was, $is) = map { /^(\d+)-/ } $old[0], $new[0];

    is($is > $was ? 'new' : $is == $was ? 'same' : 'old', $epoch,
        "    the epoch is $epoch");

    my ($status, undef, @rest) = @{ $redis->fcall('read', $account,
        split(/-/, $old[-1]), 9) };

    is($status eq 'ok' ? join(' ', grep { /^\d+-/ } @rest) : $status,
        $status eq 'ok' ? "@new" : 'resync',
        '    a reader gets what follows, or resync');
}


sub publish {
    push(@{ $given{$account} }, $redis->fcall('publish', $account, $event));
    return $given{$account}[-1];
}


sub use_server { $redis = $server{$_[0]} }

sub key { return 'pimap:{' . ($_[1] // $account) . "}$rest{$_[0]}" }
sub on  { my ($c, $k, @args) = @_; $redis->command($c, key($k), @args) }
sub del { $redis->command('DEL', map { key($_) } @_) }
sub epoch { on('SET', 'epoch', $_[0]) }

# A copy of the key as it was two events ago.

sub older {
    my ($key) = @_;

    my $copy = on('DUMP', $key);
    publish() for 1 .. 2;
    on('RESTORE', $key, 0, $copy, 'REPLACE');
}


sub other {
    later();
    $redis->fcall('publish', 'other', $event) for 1 .. 2;
    $redis->command('COPY', key($_, 'other'), key($_), 'REPLACE') for @_;
}


sub at_once {
    my @replies = $redis->together(sub {
        for (1 .. 3) {
            del('epoch', 'log');
            $redis->fcall('publish', $account, $event);
        }
    });

    push(@{ $given{$account} }, grep { /-/ } @replies);
    del('epoch', 'log');
}


# Events after the snapshot are lost.

sub snapshot {
    $redis->command('SAVE');
    publish() for 1 .. 2;
    $redis->kill();
    $redis->start();
}


sub copy {
    my %copy = map { $_ => on('DUMP', $_) } qw(log epoch);

    publish() for 1 .. 2;
    use_server('two');
    on('RESTORE', $_, 0, $copy{$_}) for keys(%copy);
}


sub migrate {
    my $to = $redis == $server{one} ? 'two' : 'one';

    $redis->command('MIGRATE', '127.0.0.1', $t->port($to), '', 0, 5000,
        'KEYS', key('log'), key('epoch'));
    use_server($to);
}


# The second server is promoted, while the first one takes two more events.

sub split_brain {
    follow('two', 'one');
    alone('two');
    publish() for 1 .. 2;
}


# The first server follows the second one, and is promoted again.

sub back {
    my ($events) = @_;

    follow('one', 'two');
    use_server('two');
    publish() for 1 .. ($events // 0);
    $server{one}->synced($server{two});
    alone('one');
    use_server('one');
}


# Both servers have read the same replication id.

sub writable {
    follow('two', 'one');
    $redis->load();
    publish();
    $server{two}->synced($server{one});
    use_server('two')->command(qw(CONFIG SET replica-read-only no));
    publish() for 1 .. 2;
    alone('two');
    follow('two', 'one');
    publish();
}


sub alone { $server{$_[0]}->command(qw(REPLICAOF NO ONE)) }


# A replica whose master is away.

sub cut { $server{$_[0]}->command(qw(REPLICAOF 127.0.0.1 1)) }


# The functions look at the server anew, and the clock is another one.

sub later {
    my $then = time() + 0.02;
    $t->wait_for(sub { time() > $then }, 'twenty milliseconds');
}


sub follow { $server{$_[0]}->follow($server{$_[1]}) }

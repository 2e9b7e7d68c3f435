package Pimap::Consumer;

# The consumer of integrations/, with a backend that notes the updates it did.
#
#     my $backend = Pimap::Consumer->new($t);
#     $backend->start('--name', 'one');
#     ... [$backend->done()] ...          the ids, in order
#
# The update's verb selects the result of the backend: "done"; "later", until
# the file "later" exists; "hang", until the file "go" exists; "fail",
# "odd", "text", "list", "crash".

use strict;
use warnings;

my $script = <<'END';
use strict;
use warnings;
use JSON::PP;

my ($dir) = @ARGV;
my $update = decode_json(do { local $/; <STDIN> });
my ($id, $verb) = @{ $update->{body} }{qw(id update)};

sub note {
    open(my $file, '>>', "$dir/$_[0]") or die;
    print $file "$id\n";
    close($file);
}

note('seen');

if ($verb eq 'later' && !-e "$dir/later") { exit(75) }
if ($verb eq 'hang') { select(undef, undef, undef, 0.05) until -e "$dir/go" }
if ($verb eq 'fail') { exit(1) }
if ($verb eq 'text') { print "done\n"; exit(0) }
if ($verb eq 'list') { print "[1]\n"; exit(0) }
if ($verb eq 'crash') { kill('KILL', getppid()); sleep(9) }

note('done');

print encode_json({ status => $verb eq 'odd' ? 7 : $verb,
    $verb eq 'reserved' ? (device => 'other') : (),
    account => $update->{account} });
END


# With the name and the password of a user of Redis, if it needs one.  The
# address is one of Redis.pm or RedisCluster.pm.

sub new {
    my ($class, $t, @user) = @_;

    my $self = bless({ t => $t }, $class);
    my $redis = $t->redis();

    $self->{address} = $redis->can('address') ? $redis->address()
        : 'unix://' . $redis->socket();
    $self->{address} =~ s{//}{//$user[0]:$user[1]@} if @user;

    $t->write_file($self->file('backend.pl'), $script);

    return $self;
}


sub file { $_[0]{t}->dir() . "/$_[1]" }


# Returns when it has a connection, or has said why not: on a busy machine
# Python once took 39 s to start, and an update waits less.

sub start {
    my ($self, @options) = @_;

    my $t = $self->{t};
    my $said = $self->said();

    my $process = $t->start(output => $self->file('consumer.out'), command => [
        '/usr/bin/python3', $t->root() . '/integrations/consumer/consumer.py',
        '--redis', $self->{address}, @options,
        '--', 'perl', $self->file('backend.pl'), $t->dir()]);
    my $fds = '/proc/' . $process->pid() . '/fd';

    $t->wait_for(sub {
        !$process->running() || $self->said() > $said
            || grep { (readlink($_) // '') =~ /^socket:/ } glob("$fds/*")
    }, 'the start of the consumer', 120);

    return $process;
}


# The bytes that all consumers have said.

sub said { -s $_[0]->file('consumer.out') // 0 }


sub done { split(/\n/, $_[0]{t}->read_file($_[0]->file('done'))) }
sub seen { split(/\n/, $_[0]{t}->read_file($_[0]->file('seen'))) }
sub make { $_[0]{t}->write_file($_[0]->file($_[1]), '') }


# The updates in all streams.

sub left {
    my ($self) = @_;

    my $redis = $self->{t}->redis();
    my $left = 0;

    $left += $redis->command('XLEN', $_) for $redis->can('owner')
        ? map({ "pimap:updates:{$_}" } 0 .. 15) : 'pimap:updates';

    return $left;
}


# Waits until this number of ids is done, and the stream is empty.

sub wait_done {
    my ($self, $n) = @_;

    return $self->{t}->wait_for(sub {
        $self->done() >= $n && $self->left() == 0
    }, "$n updates");
}


1;

package Pimap::Torture::Publisher;

# A process that publishes until it is told to stop, by FCALL or by HTTP, and
# keeps a record of it: "ACCOUNT UID ID", or "?" instead of the id when it had
# an error or no answer, so that the event may be in the log or not.

use strict;
use warnings;

use IO::Socket::INET;
use Time::HiRes qw(sleep time);

use Pimap::Resp;

use constant {
    BATCH => 0.02,          # seconds
    ANSWER => 5,            # for an answer
    KEEP => 100_000,        # events in a log: none is trimmed
    MANY => 10_000_000,     # uids of each publisher
};


# dir, n => its number, rate => events a second, accounts => [...], record;
# port => of nginx: by HTTP; coalesce => 1: kinds of events that are merged

sub new {
    my ($class, %set) = @_;

    open(my $out, '>', $set{record}) or die "$set{record}: $!\n";

    return bless({ %set, out => $out, uid => $set{n} * MANY,
        preview => 'x' x 250 }, $class);
}


sub run {
    my ($self) = @_;

    my $start = time();
    my $sent = 0;

    while (!-e "$self->{dir}/stop") {
        my $due = int((time() - $start) * $self->{rate}) - $sent;

        # events that could not be published in time are left out

        $due = $self->{rate} / 5 if $due > $self->{rate} / 5;

        $self->{port} ? $self->_http($due) : $self->_fcall($due) if $due > 0;
        $sent = int((time() - $start) * $self->{rate});
        sleep(BATCH);
    }

    close($self->{out}) or die "$self->{record}: $!\n";
}


sub _next {
    my ($self) = @_;

    my $account = $self->{accounts}[rand(@{ $self->{accounts} })];
    my $uid = ++$self->{uid};

    my $kind = $self->{coalesce} && kind($uid);
    my $name = $kind ? qq("FlagsSet","mailbox":"$kind") : '"MessageNew"';

    # the escape takes memory, which may fail

    return ($account, $uid, qq({"event":$name,"uid":$uid,"owner":"\\u0061",)
        . qq("preview":"$self->{preview}"}));
}


# The kind of an event, if events are merged; false for a new message.

sub kind { return (0, 1, 2, 1, 2, 1, 1, 2)[$_[0] % 8] }


sub _note {
    my ($self, $account, $uid, $id) = @_;
    print { $self->{out} } "$account $uid ", $id // '?', "\n";
}


# Sends all commands, then reads their replies.

sub _fcall {
    my ($self, $n) = @_;

    my @sent;

    if (!$self->{redis}) {
        open(my $fh, '<', "$self->{dir}/master") or die "master: $!\n";
        chomp(my $path = <$fh>);
        $self->{redis} = Pimap::Resp->connect($path) // return;
    }

    eval {
        for (1 .. $n) {
            my ($account, $uid, $json) = $self->_next();

            push(@sent, [$account, $uid]);
            $self->{redis}->send('FCALL', 'pimap_publish', 1,
                "pimap:{$account}", $json, KEEP);
        }
    };

    for my $sent (@sent) {
        my $id = eval { $self->{redis} && $self->{redis}->reply(ANSWER) };

        # an error is an answer; without an answer the connection is dead

        delete $self->{redis} if !defined $id && $@ !~ /redis: [A-Z]+ /
            || $@ =~ /READONLY|MASTERDOWN/;
        $self->_note(@$sent, $id);
    }
}


# Repeats with the same key until there is an answer.

sub _http {
    my ($self, $n) = @_;

    for (1 .. $n) {
        my ($account, $uid, $json) = $self->_next();
        my $end = time() + 2 * ANSWER;
        my $id;

        sleep(BATCH) while !defined($id = $self->_post($account, $uid, $json))
            && time() < $end;

        $self->_note($account, $uid, $id);
    }
}


sub _post {
    my ($self, $account, $uid, $json) = @_;

    my $socket = $self->{socket} //= IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $self->{port}) // return;

    setsockopt($socket, SOL_SOCKET, SO_RCVTIMEO, pack('l!l!', ANSWER, 0));

    local $SIG{PIPE} = 'IGNORE';

    syswrite($socket, "POST /publish?account=$account HTTP/1.1\r\n"
        . "Host: localhost\r\nContent-Type: application/json\r\n"
        . "Idempotency-Key: $uid\r\nContent-Length: " . length($json)
        . "\r\n\r\n$json");

    my $answer = '';

    until ($answer =~ /^Content-Length: (\d+)\r\n.*?\r\n\r\n(.*)/msi
        && length($2) >= $1)
    {
        if (!sysread($socket, $answer, 4096, length($answer))) {
            delete $self->{socket};
            return;
        }
    }

    delete $self->{socket} if $answer =~ /^Connection: close/mi;

    return if $answer !~ m{^HTTP/1.1 200 };
    return $answer =~ /"id":"(.*?)"/ ? $1 : 'live';
}


1;
